package dispatch

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/internal/cluster"
)

// lookAt finds why records of a topic wait.
func (d *dispatcher) lookAt(ts *topicState, now time.Duration) {
	v, known := d.view.Topics[ts.name]
	switch {
	case v.Err != nil:
		d.findStated(ts, &v, now)
	case !known || len(v.Partitions) == 0:
		f := d.find(ts, delivery.CauseTopicUnknown, -1, now)
		f.Reason = "the cluster has not described it yet"
	}
	d.findAbsent(ts, now)
	d.findIll(ts, &v, now)
	if oldest := ts.oldest(now); now-max(oldest, ts.acked) >= stuckAfter && ts.blamed < now &&
		d.troubles.blamed < now {
		f := d.find(ts, delivery.CauseNoProgress, -1, now)
		f.Reason = fmt.Sprintf("none of its records was acknowledged for %v, and no broker says "+
			"why", stuckAfter)
	}
}

// findStated finds what the cluster says of a topic as a whole.
func (d *dispatcher) findStated(ts *topicState, v *cluster.Topic, now time.Duration) {
	cause := causeOf(v.Err)
	switch {
	case cause == delivery.CauseTopicMissing && v.Unmade != nil:
		cause = delivery.CauseTopicNotCreated
	case !wholeTopic(cause):
		cause = delivery.CauseTopicUnknown
	}
	f := d.find(ts, cause, -1, now)
	said := codeOf(v.Err)
	if v.Unmade != nil {
		said += v.Unmade.Error()
	}
	if f.said == said {
		return // it has its words: there may be thousands of such topics
	}
	f.err, f.said = v.Err, said
	f.Reason = missingWords(ts, cause, codeOf(v.Err))
	switch {
	case v.Unmade != nil:
		f.Reason += "; it could not be created: " + v.Unmade.Error()
		f.Remedy = "correct create_topics of the cluster, or create the topic yourself: run `forebay topics apply`"
	case cause == delivery.CauseTopicMissing && d.creates():
		f.Remedy = "wait: create_topics is enabled, so it is being created"
	}
}

// missingWords says in words that a topic is not there, or not for us.
func missingWords(ts *topicState, cause delivery.Cause, code string) string {
	there := ""
	if ts.name != ts.t.Name() {
		there = " as " + ts.name
	}
	switch cause {
	case delivery.CauseTopicMissing, delivery.CauseTopicNotCreated:
		return "it does not exist" + there + " (" + code + ")"
	case delivery.CauseTopicForbidden:
		return "we may not write to it" + there + " (" + code + ")"
	case delivery.CauseTopicInvalid:
		return "Kafka does not take its name" + there + " (" + code + ")"
	}
	return "the cluster answers with an error when asked for it" + there + " (" + code + ")"
}

// creates reports whether topics are made that are not there.
func (d *dispatcher) creates() bool { return d.cluster.creates }

// codeOf returns the name of Kafka's error code, or err in its own words.
func codeOf(err error) string {
	if code, ok := errors.AsType[*kerr.Error](err); ok {
		return code.Message
	}
	return err.Error()
}

// findAbsent finds records that name partitions which do not exist.
func (d *dispatcher) findAbsent(ts *topicState, now time.Duration) {
	if ts.count == 0 {
		return
	}
	var f *finding
	for i := range ts.waiting {
		w := &ts.waiting[i]
		if w.Kind != buffer.Explicit || w.Partition < ts.count {
			continue
		}
		f = d.find(ts, delivery.CausePartitionMissing, -1, now)
		f.parts = append(f.parts, w.Partition)
	}
	if f != nil { // there may be thousands
		f.Reason = fmt.Sprintf("%s: the topic has %d, numbered from 0",
			listed(f.parts, "does not exist", "do not exist"), ts.count)
		f.Remedy = fmt.Sprintf("send to partitions below %d, or add partitions to the topic",
			ts.count)
	}
}

// findIll finds partitions that what waits has to go to, and cannot.
func (d *dispatcher) findIll(ts *topicState, v *cluster.Topic, now time.Duration) {
	free, all := false, len(ts.parts) > 0 // something may go anywhere; nowhere it can
	// partitions that something waits for which can only go there
	found, bound := false, make(map[int32]bool)
	for i := range ts.waiting {
		w := &ts.waiting[i]
		free = free || w.Kind == buffer.Unkeyed
		if w.Kind != buffer.Unkeyed {
			bound[w.Partition] = true
		}
	}
	for _, p := range ts.parts {
		all = all && (p.id >= ts.count || d.ill(ts, p, v, now) != "")
	}
	for _, p := range ts.all {
		cause := d.ill(ts, p, v, now)
		if cause == "" || p.id >= ts.count {
			continue
		}
		if free && (all || wholeTopic(cause)) || p.pinned != nil || p.flying != nil ||
			p.stream == 0 && bound[p.id] {
			d.findPartition(ts, p, cause, now)
			found = true
		}
	}
	if found {
		d.wordPartitions(ts, v)
	}
}

// ill returns why p takes nothing, empty if it may.
func (d *dispatcher) ill(ts *topicState, p *partition, v *cluster.Topic, now time.Duration) delivery.Cause {
	switch {
	case p.why != nil && p.why.cause == delivery.CauseNoAnswer && now < p.why.at+awayAfter:
		return delivery.CauseNoAnswer // where that has a broker suspected, it is for a moment
	case p.leader == nil || !p.leader.usable:
		if int(p.id) < len(v.Partitions) {
			if leader, named := d.view.Brokers[v.Partitions[p.id].Leader]; named && leader.Usable {
				return "" // it is about to be followed
			} else if named {
				return delivery.CauseBrokerAway
			}
		}
		return delivery.CauseNoLeader
	case p.why == nil || wholeTopic(p.why.cause) && (p.why.at < ts.acked || v.Err != nil):
		return ""
	}
	return p.why.cause
}

// findPartition notes that records wait for a partition. The words follow when all are known: there
// may be thousands.
func (d *dispatcher) findPartition(ts *topicState, p *partition, cause delivery.Cause, now time.Duration) {
	f := d.find(ts, cause, -1, now)
	if p.stream > 0 && slices.Contains(f.parts, p.id) {
		return
	}
	f.parts, f.last = append(f.parts, p.id), p
	if p.why != nil {
		f.err = p.why.err
	}
}

// wordPartitions says in words what the partitions of a topic wait for.
func (d *dispatcher) wordPartitions(ts *topicState, v *cluster.Topic) {
	for _, cause := range delivery.Causes() {
		f := d.troubles.found[troubleKey{topic: ts.t.Name(), cause: cause, broker: -1}]
		if f == nil || f.last == nil {
			continue
		}
		p := f.last
		f.last = nil
		var at cluster.Partition
		if int(p.id) < len(v.Partitions) {
			at = v.Partitions[p.id]
		}
		switch known := p.why != nil && cause == p.why.cause; {
		case known && wholeTopic(cause):
			f.Reason, f.parts = missingWords(ts, cause, codeOf(p.why.err)), f.parts[:0]
		case known:
			f.Reason = illWords(f.parts, p.why, &at)
		case cause == delivery.CauseBrokerAway:
			f.Reason = listed(f.parts, "waits", "wait") +
				fmt.Sprintf(" for broker %d, which leads and does not answer", at.Leader)
		case at.Leader >= 0:
			f.Reason = listed(f.parts, "has", "have") +
				fmt.Sprintf(" a leader, broker %d, that the cluster does not list", at.Leader)
		default:
			f.Reason = listed(f.parts, "has", "have") + " no leader"
		}
	}
}

// illWords says in words what the broker of partitions does.
func illWords(parts []int32, why *failure, at *cluster.Partition) string {
	code := codeOf(why.err)
	switch why.cause {
	case delivery.CauseTooFewReplicas:
		text := listed(parts, "has", "have") + " too few copies in sync"
		if n := at.InSync; n > 0 {
			text += fmt.Sprintf(": at least %d are required, %d of %d %s there", n+1, n,
				at.Replicas, map[bool]string{true: "is", false: "are"}[n == 1])
		}
		return text + " (" + code + ")"
	case delivery.CauseNotConfirmed:
		return listed(parts, "is", "are") + " not confirmed by the other copies in time (" + code +
			")"
	case delivery.CauseNoLeader:
		return listed(parts, "is", "are") +
			fmt.Sprintf(" led by broker %d according to the cluster, but that broker denies it "+
				"(%s)", why.broker, code)
	case delivery.CauseNoAnswer:
		return listed(parts, "waits", "wait") +
			fmt.Sprintf(" for broker %d, which does not answer what is sent to it: %s", why.broker,
				code)
	case delivery.CauseRequestTooLarge:
		return listed(parts, "waits", "wait") +
			fmt.Sprintf(" for broker %d, which hangs up on large requests: %s", why.broker, code)
	}
	return listed(parts, "waits", "wait") + fmt.Sprintf(" for broker %d, which answers with %s",
		why.broker, why.err)
}

// partsMax is how many partitions are listed by their numbers.
const partsMax = 5

// listed returns partitions in words, as the subject of a verb.
func listed(parts []int32, one, many string) string {
	if len(parts) == 1 {
		return "partition " + strconv.Itoa(int(parts[0])) + " " + one
	}
	sorted := slices.Sorted(slices.Values(parts))
	var names []string
	for _, p := range sorted[:min(len(sorted), partsMax)] {
		names = append(names, strconv.Itoa(int(p)))
	}
	text := "partitions " + strings.Join(names, ", ")
	if more := len(sorted) - partsMax; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text + " " + many
}

// lookAtBrokers finds what keeps all topics waiting.
func (d *dispatcher) lookAtBrokers(now time.Duration) {
	t := &d.troubles
	for id, b := range t.throttled {
		if _, known := d.brokers[id]; !known || now > b.last+b.wait+tellAfter {
			delete(t.throttled, id)
			continue
		}
		if !d.anyOld(now, tellAfter) {
			continue // it is held back, and nothing waits for long
		}
		f := d.find(nil, delivery.CauseThrottled, id, now)
		f.begun = min(f.begun, b.since)
		f.Reason = fmt.Sprintf("broker %d throttles this program for %v at a time: a quota is "+
			"exceeded", id, b.wait.Round(time.Millisecond))
	}
	if t.nameless > 0 && now-t.nameless <= lookEvery {
		f := d.find(nil, delivery.CauseNoProducerID, -1, now)
		f.Reason = "it grants no producer ID"
		if err := d.link.Unidentified(); err != nil {
			f.err = err
			f.Reason += ": " + err.Error()
		}
	}
}

// anyOld reports whether something has waited for so long.
func (d *dispatcher) anyOld(now, long time.Duration) bool {
	return slices.ContainsFunc(d.active, func(ts *topicState) bool {
		return ts.owned &&
			now-ts.oldest(now) >= long
	})
}

// lookBehind finds what was written for topics that go elsewhere by now, and was not answered.
func (d *dispatcher) lookBehind(now time.Duration) {
	n := 0
	for _, ts := range d.active {
		if ts.owned {
			continue
		}
		for _, p := range ts.all {
			if p.pinned != nil {
				n += p.pinned.Records()
			}
			if p.flying != nil && !p.flying.gone {
				n += p.flying.batch.Records()
			}
		}
	}
	if n == 0 {
		return
	}
	f := d.find(nil, delivery.CauseUnanswered, -1, now)
	f.Records = uint64(n)
	f.Reason = "they were written there and not answered"
	if status := d.cluster.Status(); !status.State.Ready() {
		f.Reason += ", and it is " + status.State.String() + ": " + status.Reason
	}
	f.Remedy = "records with keys stay with it, for their order"
	if after := d.settings.MoveUnresolvedAfter; after != Never {
		f.Remedy += fmt.Sprintf("; others leave it after move_unresolved_after, %v", after)
	}
}

// oldest returns when the oldest record was sent that waits for an outcome; now if none does.
func (ts *topicState) oldest(now time.Duration) time.Duration {
	oldest := now
	for i := range ts.waiting {
		oldest = min(oldest, ts.waiting[i].Oldest)
	}
	for _, b := range ts.stale {
		oldest = min(oldest, b.Born())
	}
	for _, p := range ts.all {
		if p.pinned != nil {
			oldest = min(oldest, p.pinned.Born())
		}
		if p.flying != nil && !p.flying.gone {
			oldest = min(oldest, p.flying.batch.Born())
		}
	}
	return oldest
}
