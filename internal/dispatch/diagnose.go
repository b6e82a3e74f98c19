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
func (t *troubles) lookAt(ts *topicState) {
	v, known := t.view.Topics[ts.name]
	switch {
	case v.Err != nil:
		t.findStated(ts, &v)
	case !known || len(v.Partitions) == 0:
		f := t.find(ts, delivery.CauseTopicUnknown, -1)
		f.Reason = "the cluster has not described it yet"
	}
	t.findAbsent(ts)
	t.findIll(ts, &v)
	if oldest := ts.oldest(t.pass.now); t.pass.now-max(oldest, ts.acked) >= stuckAfter &&
		ts.blamed < t.pass.now &&
		t.blamed < t.pass.now {
		f := t.find(ts, delivery.CauseNoProgress, -1)
		f.Reason = fmt.Sprintf("none of its records was acknowledged for %v, and no broker says "+
			"why", stuckAfter)
	}
}

// findStated finds what the cluster says of a topic as a whole.
func (t *troubles) findStated(ts *topicState, v *cluster.Topic) {
	cause := causeOf(v.Err)
	switch {
	case cause == delivery.CauseTopicMissing && v.Unmade != nil:
		cause = delivery.CauseTopicNotCreated
	case !wholeTopic(cause):
		cause = delivery.CauseTopicUnknown
	}
	f := t.find(ts, cause, -1)
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
		f.Remedy = "correct create_topics of the cluster, or create the topic yourself: " +
			"run `forebay topics apply`"
	case cause == delivery.CauseTopicMissing && t.cluster.Creates():
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

// codeOf returns the name of Kafka's error code, or err in its own words.
func codeOf(err error) string {
	if code, ok := errors.AsType[*kerr.Error](err); ok {
		return code.Message
	}
	return err.Error()
}

// findAbsent finds records that name partitions which do not exist.
func (t *troubles) findAbsent(ts *topicState) {
	if ts.count == 0 {
		return
	}
	var f *finding
	for i := range ts.waiting {
		w := &ts.waiting[i]
		if w.Kind != buffer.Explicit || w.Partition < ts.count {
			continue
		}
		f = t.find(ts, delivery.CausePartitionMissing, -1)
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
func (t *troubles) findIll(ts *topicState, v *cluster.Topic) {
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
	for _, st := range ts.parts {
		all = all && (st.id >= ts.count || t.ill(ts, st, v) != "")
	}
	for _, st := range ts.all {
		cause := t.ill(ts, st, v)
		if cause == "" || st.id >= ts.count {
			continue
		}
		if free && (all || wholeTopic(cause)) || st.pinned != nil || st.flying != nil ||
			st.number == 0 && bound[st.id] {
			t.findPartition(ts, st, cause)
			found = true
		}
	}
	if found {
		t.wordPartitions(ts, v)
	}
}

// ill returns why p takes nothing, empty if it may.
func (t *troubles) ill(ts *topicState, st *stream, v *cluster.Topic) delivery.Cause {
	switch {
	case st.why != nil && st.why.cause == delivery.CauseNoAnswer &&
		t.pass.now < st.why.at+awayAfter:
		return delivery.CauseNoAnswer // where that has a broker suspected, it is for a moment
	case st.leader == nil || !st.leader.usable:
		if int(st.id) < len(v.Partitions) {
			if leader, named := t.view.Brokers[v.Partitions[st.id].Leader]; named && leader.Usable {
				return "" // it is about to be followed
			} else if named {
				return delivery.CauseBrokerAway
			}
		}
		return delivery.CauseNoLeader
	case st.why == nil || wholeTopic(st.why.cause) && (st.why.at < ts.acked || v.Err != nil):
		return ""
	}
	return st.why.cause
}

// findPartition notes that records wait for a partition. The words follow when all are known: there
// may be thousands.
func (t *troubles) findPartition(ts *topicState, st *stream, cause delivery.Cause) {
	f := t.find(ts, cause, -1)
	if st.number > 0 && slices.Contains(f.parts, st.id) {
		return
	}
	f.parts, f.last = append(f.parts, st.id), st
	if st.why != nil {
		f.err = st.why.err
	}
}

// wordPartitions says in words what the partitions of a topic wait for.
func (t *troubles) wordPartitions(ts *topicState, v *cluster.Topic) {
	for _, cause := range delivery.Causes() {
		f := t.found[troubleKey{topic: ts.t.Name(), cause: cause, broker: -1}]
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
func (t *troubles) lookAtBrokers() {
	for id, b := range t.throttled {
		if _, known := t.brokers[id]; !known || t.pass.now > b.last+b.wait+tellAfter {
			delete(t.throttled, id)
			continue
		}
		if !t.anyOld(tellAfter) {
			continue // it is held back, and nothing waits for long
		}
		f := t.find(nil, delivery.CauseThrottled, id)
		f.begun = min(f.begun, b.since)
		f.Reason = fmt.Sprintf("broker %d throttles this program for %v at a time: a quota is "+
			"exceeded", id, b.wait.Round(time.Millisecond))
	}
	if t.nameless > 0 && t.pass.now-t.nameless <= lookEvery {
		f := t.find(nil, delivery.CauseNoProducerID, -1)
		f.Reason = "it grants no producer ID"
		if err := t.link.Unidentified(); err != nil {
			f.err = err
			f.Reason += ": " + err.Error()
		}
	}
}

// anyOld reports whether something has waited for so long.
func (t *troubles) anyOld(long time.Duration) bool {
	return slices.ContainsFunc(t.active, func(ts *topicState) bool {
		return ts.owned && t.pass.now-ts.oldest(t.pass.now) >= long
	})
}

// lookBehind finds what was written for topics that go elsewhere by now, and was not answered.
func (t *troubles) lookBehind() {
	n := 0
	for _, ts := range t.active {
		if ts.owned {
			continue
		}
		for _, st := range ts.all {
			if st.pinned != nil {
				n += st.pinned.Records()
			}
			if st.flying != nil && !st.flying.gone {
				n += st.flying.batch.Records()
			}
		}
	}
	if n == 0 {
		return
	}
	f := t.find(nil, delivery.CauseUnanswered, -1)
	f.Records = uint64(n)
	f.Reason = "they were written there and not answered"
	if status := t.cluster.Status(); !status.State.Ready() {
		f.Reason += ", and it is " + status.State.String() + ": " + status.Reason
	}
	f.Remedy = "records with keys stay with it, for their order"
	if after := t.pass.MoveUnresolvedAfter; after != Never {
		f.Remedy += fmt.Sprintf("; others leave it after move_unresolved_after, %v", after)
	}
}

// oldest returns when the oldest record was sent that waits for an outcome; now if none does. While
// records expire because of their TTL, one after the other, the first of them counts.
func (ts *topicState) oldest(now time.Duration) time.Duration {
	oldest := now
	if ts.lostAt > 0 && now <= ts.lostAt+lookEvery {
		oldest = ts.lostSince
	}
	for i := range ts.waiting {
		oldest = min(oldest, ts.waiting[i].Oldest)
	}
	for _, b := range ts.stale {
		oldest = min(oldest, b.Born())
	}
	for _, st := range ts.all {
		if st.pinned != nil {
			oldest = min(oldest, st.pinned.Born())
		}
		if st.flying != nil && !st.flying.gone {
			oldest = min(oldest, st.flying.batch.Born())
		}
	}
	return oldest
}
