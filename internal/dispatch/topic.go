package dispatch

import (
	"slices"
	"time"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/internal/cluster"
	"github.com/forebay-go/forebay/partitioner"
)

// topicState is what a dispatcher knows of a topic. It belongs to the dispatcher's goroutine.
type topicState struct {
	t       *buffer.Topic
	name    string // what it is called in the cluster
	twin    int    // of the topics that have this name there, which one
	owned   bool   // what waits is for us; else only what we have written, or may have
	leaving bool   // and is to go elsewhere
	id      [16]byte
	parts   []*partition // by number
	all     []*partition // those, and their further streams
	// of the partitions that there are; parts may have more, if the topic was made again with fewer
	count   int32
	active  bool
	waiting []buffer.Waiting // what the last survey found
	// keyed batches for another count of partitions, oldest first, to be dealt out anew
	stale   []*buffer.Batch
	undealt bool // such batches wait in t
	// keyed batches have to wait: older ones are to be dealt out, or may have to be
	dealing  bool
	cramped  bool          // there is no room to deal more of them out
	dealtAt  time.Duration // when some were dealt out last
	anyApace bool          // some partition can be written to and is not slow
	rack     string        // un-keyed batches keep to leaders in it for a while; empty: to none
	batches  uint64        // un-keyed ones that were taken, counted from anywhere
	turn     int32         // the partition that the next one is to go to, or partitioner.Any

	limit      int            // of the bytes of a batch, because one was too large
	limitUntil time.Duration  // until when the topic's batches are kept smaller; 0: they are not
	lastErr    error          // the last failure, for reports
	bad        int            // records that were rejected alone, since one was delivered
	crossed    bool           // it was said that another priority has newer records
	acked      time.Duration  // when something of it was last acknowledged
	blamed     time.Duration  // when it was last found what its records wait for
	scratch    []*partition   // of candidates
	well       []int32        // of designate
	counted    []*brokerState // of poll
}

// partition is one partition of a topic, as one lane writes to it: one batch at a time, numbered
// without a gap. Where the broker is far away, batches without keys have further streams to the
// same partition, each with a producer ID of its own: to the broker they are other producers, so
// that no stream depends on another.
type partition struct {
	id         int32
	stream     int          // 0 for the one that takes keyed batches too
	leader     *brokerState // nil: none
	numbers    numbering
	flying     *item         // the batch in flight
	pinned     *buffer.Batch // written and not answered: it goes before all else, and as it was
	pace       int           // apace, slow, or that it may be slow and travels with so many at most
	avoidUntil time.Duration // until when batches that may go elsewhere do: it is slow
	fails      int           // in a row
	retryAt    time.Duration
	why        *failure // of the last attempt; nil if it has succeeded
	used       uint64   // tick of the picker when it was used last

	leaderlessSince time.Duration
}

// The paces of a partition that are not a number of companions. A broker answers a request when the
// slowest of its partitions is done: those that are known to be slow travel with one another, on a
// connection of their own.
const (
	apace = 0
	slow  = -1
)

// avoid is how long batches that may go elsewhere avoid a partition that is slow.
const avoid = 10 * time.Second

// lead notes who leads p now. With a new leader, what the old one could not do is tried at once.
func (p *partition) lead(leader *brokerState) {
	if p.leader == leader {
		return
	}
	p.leader = leader
	if p.fails <= 1 { // two brokers that name each other are tried no faster than one that fails
		p.retryAt = 0
	}
}

// fail notes that an attempt failed: the next one waits, longer each time.
func (p *partition) fail(now time.Duration) {
	p.fails++
	p.retryAt = now + pause(p.fails)
}

// rebind has ts go on with t, which has taken the place of a topic that was freed.
func (ts *topicState) rebind(t *buffer.Topic) {
	ts.t, ts.owned = t, false
	if ts.limitUntil != 0 {
		t.Limit(ts.limit)
	}
}

// renumber has every partition begin a new numbering.
func (ts *topicState) renumber() {
	for _, p := range ts.all {
		p.numbers.lost = true
	}
}

// add makes a stream to a partition known.
func (ts *topicState) add(id int32, stream int, leader *brokerState) {
	p := &partition{id: id, stream: stream, numbers: newNumbering(ts.twin*cluster.Streams + stream),
		leader: leader}
	ts.all = append(ts.all, p)
	if stream == 0 {
		ts.parts = append(ts.parts, p)
	}
}

// widen adds a stream to each partition, if full batches wait that may go anywhere, no stream is
// free for them, and all brokers are far away. It reports whether there are more streams now.
func (ts *topicState) widen() (more bool) {
	if !slices.ContainsFunc(ts.waiting,
		func(w buffer.Waiting) bool { return w.Kind == buffer.Unkeyed && w.Sealed }) {
		return false
	}
	for _, p := range ts.all {
		if p.leader == nil || p.flying == nil || p.pace != apace ||
			p.leader.slots() <= slotsPerBroker {
			return false
		}
	}
	streams := make(map[int32]int)
	for _, p := range ts.all {
		streams[p.id]++
	}
	for id, n := range streams {
		if leader := ts.parts[id].leader; n < leader.slots() {
			ts.add(id, n, leader)
			more = true
		}
	}
	return more
}

// widen has topics get more streams, and reports whether some did.
func (d *dispatcher) widen() (more bool) {
	for _, ts := range d.active {
		more = ts.widen() || more
	}
	return more
}

func (ts *topicState) survey() {
	ts.waiting = ts.waiting[:0]
	if ts.owned && !ts.leaving {
		ts.waiting = ts.t.Survey(ts.waiting)
	}
}

// setPace notes how slow a partition is, for all streams to it.
func (ts *topicState) setPace(id int32, pace int, avoidUntil time.Duration) {
	for _, p := range ts.all {
		if p.id == id {
			p.pace, p.avoidUntil = pace, avoidUntil
		}
	}
}

// judge notes which partitions are well, for what may go to any of them.
func (ts *topicState) judge(rack string, zones int) {
	ts.anyApace, ts.rack = false, ""
	near := 0
	for _, p := range ts.parts {
		if p.pace == apace && p.leader != nil && p.leader.usable {
			ts.anyApace = true
			if p.leader.rack == rack {
				near++
			}
		}
	}
	if rack != "" && KeepToZone(near, len(ts.parts), zones) {
		ts.rack = rack
	}
}

// crossAfter is how long a batch that is ready waits for a leader in its own zone. It goes anywhere
// then: the zone is full, or its brokers are slow.
const crossAfter = time.Second

// opensTo reports whether p may have an un-keyed batch that has been ready since a time.
func (ts *topicState) opensTo(p *partition, since, now time.Duration) bool {
	switch {
	case p.avoidUntil > now && ts.anyApace:
		return false
	case ts.turn != partitioner.Any:
		return p.id == ts.turn
	}
	return ts.rack == "" || p.leader.rack == ts.rack || now >= since+crossAfter
}

// designate has the partitioner say where the next un-keyed batch is to go. A partition that has
// failed is left out until it may be tried again, and one that has something written and not
// answered: batches would wait for it that can go elsewhere.
func (d *dispatcher) designate(ts *topicState, now time.Duration) {
	ts.turn = partitioner.Any
	if d.settings.Partitioner == nil {
		return
	}
	ts.well = ts.well[:0]
	for _, p := range ts.parts {
		avoided := p.avoidUntil > now && ts.anyApace || p.retryAt > now || p.pinned != nil
		if p.id < ts.count && p.leader != nil && p.leader.usable && p.leader.retryAt <= now &&
			!avoided {
			ts.well = append(ts.well, p.id)
		}
	}
	if len(ts.well) > 0 {
		ts.turn = d.settings.Partitioner.ForBatch(ts.t.Name(), ts.batches, ts.well, ts.count)
	}
}

// anyAside reports whether a partition of ts is slow, or may be.
func (ts *topicState) anyAside() bool {
	return slices.ContainsFunc(ts.all, func(p *partition) bool { return p.pace != apace })
}

func (ts *topicState) anyPinned() bool {
	for _, p := range ts.all {
		if p.pinned != nil {
			return true
		}
	}
	return false
}

// quiet reports whether nothing of the topic waits or is in flight.
func (ts *topicState) quiet() bool {
	if len(ts.waiting) > 0 || len(ts.stale) > 0 {
		return false
	}
	for _, p := range ts.all {
		if p.flying != nil || p.pinned != nil {
			return false
		}
	}
	return true
}

// redeal deals the keyed batches out anew that were built for another count of partitions, in order
// and before anything newer. While one of them is in flight, or was written and not answered, they
// wait for it, for it may come back. They also wait, but for what was dealt out already, where
// there is no room for more batches.
func (d *dispatcher) redeal(ts *topicState, alarm *alarm) {
	if len(ts.stale) > 0 {
		ts.t.Postpone(ts.stale...) // where they can be given up to make room
		ts.stale, ts.undealt = nil, true
	}
	ts.dealing, ts.cramped = ts.undealt, false
	for _, p := range ts.parts {
		if p.flying != nil && p.flying.batch.BuiltForOther(ts.count) || p.pinned != nil &&
			p.pinned.BuiltForOther(ts.count) {
			ts.dealing = true
			return
		}
	}
	for ts.undealt {
		free := d.engine.budget.Max() - d.engine.budget.Used()
		room := free - ts.t.PeekUndealt()
		stalled := alarm.now-ts.dealtAt >= dealStalls && -free < d.engine.budget.Max()/64
		if room < leastDealt && ts.dealt() && !stalled {
			ts.dealing, ts.cramped = false, true
			alarm.by(alarm.now + retryMin)
			return
		}
		b, left := ts.t.TakeUndealt()
		if b == nil {
			ts.undealt = left
			break // the squeezer wakes us when it is done
		}
		ts.dealtAt = alarm.now
		if err := ts.t.DealOut(b, ts.count, max(room, leastDealt)); err != nil {
			ts.lastErr = err
			d.resolve(ts, b, Verdict{Outcome: delivery.Rejected, Reason: delivery.Invalid, Partition: -1})
		}
	}
	ts.dealing = ts.undealt
}

// leastDealt is the room, in bytes, that is taken to deal batches out whether it is there or not,
// if nothing of their topic could be sent otherwise. That is also supposed when nothing could be
// dealt out for as long as dealStalls, for all that was may be for a partition without a leader;
// but not more than a sixty-fourth of the bound is taken so.
const (
	leastDealt = 4 << 10
	dealStalls = 5 * time.Second
)

// dealt reports whether something with a key that was dealt out is on its way, or waits to be.
func (ts *topicState) dealt() bool {
	for _, p := range ts.parts {
		if p.flying != nil && p.flying.batch.Kind() == buffer.Keyed || p.pinned != nil &&
			p.pinned.Kind() == buffer.Keyed {
			return true
		}
	}
	return ts.t.HasDealt()
}

// owe has room kept for what is to be dealt out, while some waits for that: else every Send would
// take what becomes free.
func (d *dispatcher) owe(owes bool) {
	if d.owes != owes {
		d.owes = owes
		d.engine.budget.Owe(owes)
	}
}

// giveBack puts a batch of p that was not appended where it waits for its next attempt. Where the
// topic goes elsewhere by now, what is newer may have gone there: a batch whose order matters stays
// with p.
func (d *dispatcher) giveBack(ts *topicState, p *partition, b *buffer.Batch) {
	ordered := b.Kind() != buffer.Unkeyed
	switch stale := b.BuiltForOther(ts.count); {
	case ts.owned && stale:
		ts.stale = append([]*buffer.Batch{b}, ts.stale...) // it is older than all that wait
	case !ts.owned && ordered && !stale && p.pinned == nil:
		p.pinned = b
	default:
		if !ts.owned && ordered {
			d.counts.orderAtRisk.Add(uint64(b.Records()))
		}
		ts.t.Requeue(b)
	}
}

// expire ends what has waited for its delivery timeout: where it was written and not answered it is
// possibly persisted.
func (d *dispatcher) expire(ts *topicState, now time.Duration, alarm *alarm) {
	timeout := d.settings.DeliveryTimeout
	for _, b := range ts.old(now - timeout + 1) {
		d.resolve(ts, b, Verdict{Outcome: delivery.Expired, Reason: delivery.DeliveryTimeout,
			Partition: b.Partition()})
	}
	for len(ts.stale) > 0 && ts.stale[0].Born() <= now-timeout && !ts.stale[0].Busy() {
		d.resolve(ts, ts.stale[0], Verdict{Outcome: delivery.Expired, Reason: delivery.DeliveryTimeout,
			Partition: -1})
		ts.stale = ts.stale[1:]
	}
	if len(ts.stale) > 0 {
		alarm.by(ts.stale[0].Born() + timeout)
	}
	for _, p := range ts.all {
		if b := p.pinned; b != nil {
			if b.Born() <= now-timeout {
				d.resolve(ts, b, Verdict{Outcome: delivery.Expired, Reason: delivery.DeliveryTimeout,
					Partition: p.id})
				p.pinned = nil
			} else {
				alarm.by(b.Born() + timeout)
			}
		}
		if p.flying != nil && !p.flying.gone {
			d.expireFlying(ts, p, now, alarm)
		}
	}
}

// old takes what waits for us since before limit.
func (ts *topicState) old(limit time.Duration) []*buffer.Batch {
	if !ts.owned {
		return nil
	}
	return ts.t.TakeOlder(limit)
}

// expireFlying ends a batch in flight whose time is up. Its request goes on without it.
func (d *dispatcher) expireFlying(ts *topicState, p *partition, now time.Duration, alarm *alarm) {
	it := p.flying
	deadline := it.batch.Born() + d.settings.DeliveryTimeout
	switch {
	case deadline > now:
		alarm.by(deadline)
		return
	case !it.ship.handed.Load():
		alarm.by(now + time.Millisecond) // it is being compressed, which is soon over
		return
	}
	it.gone, it.written = true, it.attempt.Revoke()
	it.batch.History.MaybeWritten = it.batch.History.MaybeWritten || it.written
	d.resolve(ts, it.batch, Verdict{Outcome: delivery.Expired, Reason: delivery.DeliveryTimeout,
		Partition: p.id})
}

// moveUnresolved lets un-keyed batches go elsewhere that were written and not answered, when their
// partition has had no leader that can be reached for long enough, while another has. They may be
// in Kafka twice then, and are counted so.
func (d *dispatcher) moveUnresolved(ts *topicState, now time.Duration, alarm *alarm) {
	after := d.settings.MoveUnresolvedAfter
	for _, p := range ts.all {
		if p.pinned == nil || p.leader != nil && p.leader.usable || ts.owned && !ts.elsewhere(p) {
			p.leaderlessSince = 0
			continue
		}
		if p.leaderlessSince == 0 {
			p.leaderlessSince = now
		}
		switch {
		case after == Never || p.pinned.Kind() != buffer.Unkeyed:
		case now < p.leaderlessSince+after:
			alarm.by(p.leaderlessSince + after)
		default:
			d.evacuate(ts, p)
		}
	}
}

// elsewhere reports whether a partition other than p has a leader that can be reached. While none
// has, as when the whole cluster is away, a batch that leaves p gets nowhere sooner.
func (ts *topicState) elsewhere(p *partition) bool {
	return slices.ContainsFunc(ts.parts, func(q *partition) bool {
		return q.id != p.id &&
			q.leader != nil && q.leader.usable
	})
}
