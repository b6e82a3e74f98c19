package producer

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/internal/cluster"
)

const (
	lookEvery  = time.Second      // how often it is looked why records wait, beside when the view changes
	tellAfter  = 5 * time.Second  // how long a cause lasts before it is told
	stuckAfter = 10 * time.Second // how long nothing is acknowledged before that is a trouble by itself
	awayAfter  = 3 * time.Second  // how long ago a broker was last tried that counts as away
	overAfter  = time.Minute      // how long nothing waits for a cause before it is over, where nothing was acknowledged
)

// troubles are the causes for which records of a dispatcher wait. They are found anew with each look, from the state of the dispatcher:
// what lasts is told, and what is not found any more is over. Nothing else has to clear anything.
type troubles struct {
	// What follows belongs to the dispatcher's goroutine.
	found     map[troubleKey]*finding
	looked    time.Duration
	view      *cluster.View // that was looked at
	news      bool          // an attempt has failed since
	blamed    time.Duration // when something was last found that keeps all topics waiting
	nameless  time.Duration // when a batch last waited for a producer ID
	throttled map[int32]*throttling

	shown atomic.Pointer[[]shown] // for Stats, Close and reports
}

type troubleKey struct {
	topic  string
	cause  Cause
	broker int32 // -1: none in particular
}

// finding is a cause of which something was found.
type finding struct {
	Trouble
	key   troubleKey
	ts    *topicState // nil: it is not about a topic
	err   error       // what it was seen by
	said  string      // by the cluster, of a topic as a whole
	parts []int32     // that wait; none: the whole topic

	begun  time.Duration
	seen   time.Duration // when it was last found
	waits  bool          // in the last look something has waited for it for longer than a moment
	told   bool
	single bool  // by a line of its own, so that its end gets one
	out    shown // as others see it
}

// shown is a finding for other goroutines.
type shown struct {
	Trouble
	err     error
	parts   []int32
	current bool // it was found in the last look
	visible bool // and is of more than a moment
}

// throttling is what a broker that asks to be left alone has asked for.
type throttling struct {
	since, last time.Duration
	wait        time.Duration
}

// failure is why the last attempt of a partition has failed.
type failure struct {
	cause  Cause
	err    error
	broker int32
	at     time.Duration
}

// blame notes why an attempt has failed, until one in its partition succeeds. What knows more than the error calls it after failed.
func (d *dispatcher) blame(it *item, cause Cause, err error) {
	it.p.why = &failure{cause: cause, err: err, broker: it.ship.broker.ID, at: d.p.clock.Mono()}
	if cause.wholeTopic() {
		d.troubles.news = true
	}
}

// eased notes that Kafka has taken something.
func (d *dispatcher) eased(it *item, now time.Duration) {
	d.troubles.news = d.troubles.news || it.ts.blamed > 0 && it.ts.blamed == d.troubles.looked
	it.p.why = nil
	it.ts.acked = now
}

// throttle notes that a broker has answered, and how long it wants to be left alone.
func (t *troubles) throttle(broker int32, wait, now time.Duration) {
	if wait <= 0 {
		delete(t.throttled, broker)
		return
	}
	if t.throttled == nil {
		t.throttled = make(map[int32]*throttling)
	}
	if t.throttled[broker] == nil {
		t.throttled[broker] = &throttling{since: now}
	}
	t.throttled[broker].last, t.throttled[broker].wait = now, wait
}

// complain looks why records wait, tells what has lasted, and what is over.
func (d *dispatcher) complain(now time.Duration, alarm *alarm) {
	t := &d.troubles
	if d.p.tells.waiting.Load() {
		d.tellMore(now, alarm)
	}
	if len(d.active) == 0 && len(t.found) == 0 {
		return
	}
	next := t.looked + lookEvery
	if t.news {
		next = t.looked + lookEvery/10
	}
	if d.view == t.view && now < next {
		alarm.by(next)
		return
	}
	t.view, t.news, t.looked = d.view, false, now
	if d.ctx.Err() != nil || d.view.State == cluster.Closed {
		return // what was found stays
	}
	for _, f := range t.found {
		f.parts = f.parts[:0]
	}
	ready := d.view.State.Ready()
	if ready {
		d.lookAtBrokers(now)
		for _, ts := range d.active {
			if ts.owned && !ts.leaving {
				d.lookAt(ts, now)
			}
		}
	}
	d.lookBehind(now)
	d.conclude(now, ready, alarm)
	if len(d.active) > 0 && ready || len(t.found) > 0 {
		alarm.by(now + lookEvery)
	}
}

// lookAt finds why records of a topic wait.
func (d *dispatcher) lookAt(ts *topicState, now time.Duration) {
	v, known := d.view.Topics[ts.name]
	switch {
	case v.Err != nil:
		d.findStated(ts, &v, now)
	case !known || len(v.Partitions) == 0:
		f := d.find(ts, CauseTopicUnknown, -1, now)
		f.Reason = "the cluster has said nothing of it yet"
	}
	d.findAbsent(ts, now)
	d.findIll(ts, &v, now)
	if oldest := ts.oldest(now); now-max(oldest, ts.acked) >= stuckAfter && ts.blamed < now && d.troubles.blamed < now {
		f := d.find(ts, CauseNoProgress, -1, now)
		f.Reason = fmt.Sprintf("nothing of it was acknowledged for %v, and no broker says why", stuckAfter)
	}
}

// findStated finds what the cluster says of a topic as a whole.
func (d *dispatcher) findStated(ts *topicState, v *cluster.Topic, now time.Duration) {
	cause := causeOf(v.Err)
	switch {
	case cause == CauseTopicMissing && v.Unmade != nil:
		cause = CauseTopicNotCreated
	case !cause.wholeTopic():
		cause = CauseTopicUnknown
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
		f.Remedy = "mend create_topics of the cluster, or create it: `forebay topics apply` does"
	case cause == CauseTopicMissing && d.creates():
		f.Remedy = "create_topics of the cluster makes it"
	}
}

// missingWords says in words that a topic is not there, or not for us.
func missingWords(ts *topicState, cause Cause, code string) string {
	there := ""
	if ts.name != ts.t.Name() {
		there = " as " + ts.name
	}
	switch cause {
	case CauseTopicMissing, CauseTopicNotCreated:
		return "it does not exist" + there + " (" + code + ")"
	case CauseTopicForbidden:
		return "we may not write to it" + there + " (" + code + ")"
	case CauseTopicInvalid:
		return "Kafka does not take its name" + there + " (" + code + ")"
	}
	return "the cluster answers with an error when it is asked for it" + there + " (" + code + ")"
}

// creates reports whether topics are made that are not there.
func (d *dispatcher) creates() bool { return d.cfg.Clusters[d.cluster.Name()].CreateTopics.Enabled }

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
	for i := range ts.waiting {
		w := &ts.waiting[i]
		if w.Kind != buffer.Explicit || w.Partition < ts.count {
			continue
		}
		f := d.find(ts, CausePartitionMissing, -1, now)
		f.parts = append(f.parts, w.Partition)
		f.Reason = fmt.Sprintf("%s: the topic has %d, numbered from 0", listed(f.parts, "does not exist", "do not exist"), ts.count)
		f.Remedy = fmt.Sprintf("send to partitions below %d, or add partitions to the topic", ts.count)
	}
}

// findIll finds partitions that what waits has to go to, and cannot.
func (d *dispatcher) findIll(ts *topicState, v *cluster.Topic, now time.Duration) {
	free, all := false, len(ts.parts) > 0 // something may go anywhere; nowhere it can
	for i := range ts.waiting {
		free = free || ts.waiting[i].Kind == buffer.Unkeyed
	}
	for _, p := range ts.parts {
		all = all && (p.id >= ts.count || d.ill(ts, p, v, now) != "")
	}
	for _, p := range ts.all {
		cause := d.ill(ts, p, v, now)
		if cause == "" || p.id >= ts.count {
			continue
		}
		if free && (all || cause.wholeTopic()) || p.pinned != nil || p.flying != nil || ts.binds(p) {
			d.findPartition(ts, p, v, cause, now)
		}
	}
}

// binds reports whether something waits that can only go to p.
func (ts *topicState) binds(p *partition) bool {
	return p.stream == 0 && slices.ContainsFunc(ts.waiting, func(w buffer.Waiting) bool { return w.Kind != buffer.Unkeyed && w.Partition == p.id })
}

// ill returns why p takes nothing, empty if it may.
func (d *dispatcher) ill(ts *topicState, p *partition, v *cluster.Topic, now time.Duration) Cause {
	switch {
	case p.why != nil && p.why.cause == CauseNoAnswer && now < p.why.at+awayAfter:
		return CauseNoAnswer // where that has a broker suspected, it is for a moment
	case p.leader == nil || !p.leader.usable:
		if int(p.id) < len(v.Partitions) {
			if leader, named := d.view.Brokers[v.Partitions[p.id].Leader]; named && leader.Usable {
				return "" // it is about to be followed
			} else if named {
				return CauseBrokerAway
			}
		}
		return CauseNoLeader
	case p.why == nil || p.why.cause.wholeTopic() && (p.why.at < ts.acked || v.Err != nil):
		return ""
	}
	return p.why.cause
}

// findPartition notes that records wait for a partition.
func (d *dispatcher) findPartition(ts *topicState, p *partition, v *cluster.Topic, cause Cause, now time.Duration) {
	f := d.find(ts, cause, -1, now)
	if slices.Contains(f.parts, p.id) {
		return
	}
	f.parts = append(f.parts, p.id)
	var at cluster.Partition
	if int(p.id) < len(v.Partitions) {
		at = v.Partitions[p.id]
	}
	if p.why != nil {
		f.err = p.why.err
	}
	if p.why == nil || cause != p.why.cause {
		switch {
		case cause == CauseBrokerAway:
			f.Reason = listed(f.parts, "waits", "wait") + fmt.Sprintf(" for broker %d, which leads and does not answer", at.Leader)
		case at.Leader >= 0:
			f.Reason = listed(f.parts, "has", "have") + fmt.Sprintf(" a leader, broker %d, that the cluster does not list", at.Leader)
		default:
			f.Reason = listed(f.parts, "has", "have") + " no leader"
		}
		return
	}
	f.Reason = illWords(f.parts, p.why, &at)
	if cause.wholeTopic() {
		f.Reason, f.parts = missingWords(ts, cause, codeOf(p.why.err)), f.parts[:0]
	}
}

// illWords says in words what the broker of partitions does.
func illWords(parts []int32, why *failure, at *cluster.Partition) string {
	code := codeOf(why.err)
	switch why.cause {
	case CauseTooFewReplicas:
		text := listed(parts, "has", "have") + " too few copies in sync"
		if n := at.InSync; n > 0 {
			text += fmt.Sprintf(": at least %d are required, %d of %d %s there", n+1, n, at.Replicas, map[bool]string{true: "is", false: "are"}[n == 1])
		}
		return text + " (" + code + ")"
	case CauseNotConfirmed:
		return listed(parts, "is", "are") + " not confirmed by the other copies in time (" + code + ")"
	case CauseNoLeader:
		return listed(parts, "is", "are") + fmt.Sprintf(" led by broker %d, which says that it does not (%s)", why.broker, code)
	case CauseNoAnswer:
		return listed(parts, "waits", "wait") + fmt.Sprintf(" for broker %d, which does not answer what is sent to it: %s", why.broker, code)
	case CauseRequestTooLarge:
		return listed(parts, "waits", "wait") + fmt.Sprintf(" for broker %d, which hangs up on large requests: %s", why.broker, code)
	}
	return listed(parts, "waits", "wait") + fmt.Sprintf(" for broker %d, which answers with %s", why.broker, why.err)
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
		f := d.find(nil, CauseThrottled, id, now)
		f.begun = min(f.begun, b.since)
		f.Reason = fmt.Sprintf("broker %d asks to be left alone for %v after what it got: a quota", id, b.wait.Round(time.Millisecond))
	}
	if t.nameless > 0 && now-t.nameless <= lookEvery {
		f := d.find(nil, CauseNoProducerID, -1, now)
		f.Reason = "it gives no producer ID"
		if err := d.link.Unidentified(); err != nil {
			f.err = err
			f.Reason += ": " + err.Error()
		}
	}
}

// anyOld reports whether something has waited for so long.
func (d *dispatcher) anyOld(now, long time.Duration) bool {
	return slices.ContainsFunc(d.active, func(ts *topicState) bool { return ts.owned && now-ts.oldest(now) >= long })
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
	f := d.find(nil, CauseUnanswered, -1, now)
	f.Records = uint64(n)
	f.Reason = "they were written there and not answered"
	if status := d.cluster.Status(); !status.State.Ready() {
		f.Reason += ", and it is " + status.State.String() + ": " + status.Reason
	}
	f.Remedy = "records with keys stay with it, for their order"
	if after := d.limits.MoveUnresolvedAfter; after != Never {
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

// find returns the finding of a cause, which is found now.
func (d *dispatcher) find(ts *topicState, cause Cause, broker int32, now time.Duration) *finding {
	t := &d.troubles
	key := troubleKey{cause: cause, broker: broker}
	if ts != nil {
		key.topic = ts.t.Name()
	}
	f := t.found[key]
	if f == nil {
		if t.found == nil {
			t.found = make(map[troubleKey]*finding)
		}
		f = &finding{key: key, ts: ts, begun: now, Trouble: Trouble{
			Cause: cause, Priority: d.lane.priority, Cluster: d.cluster.Name(), Topic: key.topic, Remedy: remedies[cause], Since: time.Now(),
		}}
		t.found[key] = f
	}
	f.ts, f.seen = ts, now
	if ts != nil {
		ts.blamed = now
	} else {
		t.blamed = now
	}
	return f
}

// moment is how long records may wait without a word, beside their linger.
func (d *dispatcher) moment() time.Duration {
	return d.cfg.Batching.Linger + min(lookEvery, d.limits.DeliveryTimeout/4)
}

// conclude tells what has lasted, forgets what is over, and has the rest shown.
func (d *dispatcher) conclude(now time.Duration, ready bool, alarm *alarm) {
	t := &d.troubles
	patience := min(tellAfter, d.limits.DeliveryTimeout/2)
	for key, f := range t.found {
		if f.seen == now {
			f.waits = f.ts == nil || now-f.ts.oldest(now) >= d.moment()
		} else if f.waits = false; d.over(f, now, ready) {
			delete(t.found, key)
			continue
		}
		switch due := f.begun + patience; {
		case f.told || !f.waits:
		case due <= now:
			d.tell(f, now)
		default:
			alarm.by(due)
		}
	}
	d.show(now)
}

// over ends a finding that was not found any more, and reports whether it did. While its cluster is away that is what records wait for.
func (d *dispatcher) over(f *finding, now time.Duration, ready bool) bool {
	gone := f.ts != nil && (d.topics[f.ts.t.Name()] != f.ts || !f.ts.owned)
	if !ready && !gone && f.Cause != CauseUnanswered {
		f.seen = now - 1 // it is not over by that
		return !f.told   // but it begins anew
	}
	rest := tellAfter // brokers that come and go hide a cause now and then
	if f.told {
		rest = overAfter
	}
	if !gone && !d.passed(f) && now < f.seen+rest {
		return false
	}
	if f.single && (f.ts == nil || f.ts.blamed < now) { // else the topic waits for something else by now
		d.tellOver(f, now)
	}
	return true
}

// passed reports whether a cause that was not found any more is gone, and not only hidden because nothing waits for it.
func (d *dispatcher) passed(f *finding) bool {
	switch f.Cause {
	case CauseThrottled:
		return d.troubles.throttled[f.key.broker] == nil
	case CauseNoProducerID:
		return d.link.Unidentified() == nil
	case CauseUnanswered:
		return true
	}
	return f.ts.acked >= f.seen
}

// show has others see what was found, if that has changed.
func (d *dispatcher) show(now time.Duration) {
	t := &d.troubles
	before := 0
	if p := t.shown.Load(); p != nil {
		before = len(*p)
	}
	changed := before != len(t.found)
	for _, f := range t.found {
		current := f.seen == now
		visible := f.waits && f.told || current && f.Cause.stated() && now >= f.begun+d.moment()
		if f.out.Trouble != f.Trouble || f.out.current != current || f.out.visible != visible {
			f.out, changed = shown{f.Trouble, f.err, slices.Clone(f.parts), current, visible}, true
		}
	}
	if !changed {
		return
	}
	all := make([]shown, 0, len(t.found))
	for _, f := range t.found {
		all = append(all, f.out)
	}
	slices.SortFunc(all, func(a, b shown) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic), strings.Compare(string(a.Cause), string(b.Cause)), strings.Compare(a.Reason, b.Reason))
	})
	t.shown.Store(&all)
}

// of returns what is shown of a topic.
func (t *troubles) of(topic string) (all []shown) {
	p := t.shown.Load()
	if p == nil {
		return nil
	}
	begin, _ := slices.BinarySearchFunc(*p, topic, func(s shown, topic string) int { return strings.Compare(s.Topic, topic) })
	end := begin
	for end < len(*p) && (*p)[end].Topic == topic {
		end++
	}
	return (*p)[begin:end]
}

// why returns why a record of a topic has waited, nil if nothing is known; partition is -1 where it had none. Any goroutine may call it.
func (d *dispatcher) why(topic string, partition int32) error {
	if err := d.cluster.away(); err != nil {
		return err
	}
	found := d.troubles.of(topic)
	best := slices.IndexFunc(found, func(s shown) bool { return s.current && partition >= 0 && slices.Contains(s.parts, partition) })
	if best < 0 {
		best = slices.IndexFunc(found, func(s shown) bool { return s.current && (s.visible || s.Cause.stated()) })
	}
	if best < 0 {
		found = d.troubles.of("")
		best = slices.IndexFunc(found, func(s shown) bool { return s.current && s.Cause != CauseUnanswered })
	}
	if best < 0 {
		return nil
	}
	return &troubleError{found[best].Trouble, found[best].err}
}

// whyOf is why for what d itself gives up. The last failure is better than nothing.
func (d *dispatcher) whyOf(ts *topicState, partition int32) error {
	if err := d.why(ts.t.Name(), partition); err != nil {
		return err
	}
	return ts.lastErr
}
