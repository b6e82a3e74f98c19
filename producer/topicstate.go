package producer

import (
	"time"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/internal/cluster"
	"github.com/forebay-go/forebay/partitioner"
)

// topicState is what a dispatcher knows of a topic. It belongs to the dispatcher's goroutine.
type topicState struct {
	t       *buffer.Topic
	id      [16]byte
	parts   []*partition
	count   int32 // of the partitions that there are; parts may have more, if the topic was made again with fewer
	active  bool
	waiting []buffer.Waiting // what the last survey found
	stale   []*buffer.Batch  // keyed batches for another count of partitions, oldest first, to be dealt out anew
	dealing bool             // keyed batches have to wait: older ones are to be dealt out, or may have to be
	lastErr error            // the last failure, for reports
	scratch []*partition     // of candidates
	counted []*brokerState   // of poll
}

// partition is one partition of a topic, as one lane writes to it: one batch at a time, numbered without a gap.
type partition struct {
	id      int32
	leader  *brokerState // nil: none
	seq     cluster.Sequence
	orphan  bool          // what the broker has seen of seq is not known: renew before the next batch
	flying  *item         // the batch in flight
	pinned  *buffer.Batch // written and not answered: it goes before all else, and as it was
	sick    bool          // its last attempt failed: it travels alone until one succeeds
	fails   int           // in a row
	retryAt time.Duration
	used    uint64 // tick of the picker when it was used last

	leaderlessSince time.Duration
}

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

// renumber has every partition begin a new numbering.
func (ts *topicState) renumber() {
	for _, p := range ts.parts {
		p.orphan = true
	}
}

func (ts *topicState) survey() { ts.waiting = ts.t.Survey(ts.waiting[:0]) }

func (ts *topicState) anyPinned() bool {
	for _, p := range ts.parts {
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
	for _, p := range ts.parts {
		if p.flying != nil || p.pinned != nil {
			return false
		}
	}
	return true
}

// redeal deals the keyed batches out anew that were built for another count of partitions, in order and before anything
// newer. While one of them is in flight, or was written and not answered, they wait for it, for it may come back.
func (d *dispatcher) redeal(ts *topicState) {
	ts.dealing = true
	for _, p := range ts.parts {
		if p.flying != nil && p.flying.batch.BuiltForOther(ts.count) || p.pinned != nil && p.pinned.BuiltForOther(ts.count) {
			return
		}
	}
	for len(ts.stale) > 0 {
		b := ts.stale[0]
		if b.Busy() {
			return // the squeezer wakes us when it is done
		}
		if err := ts.t.DealOut(b, ts.count, partitioner.ForKey); err != nil {
			ts.lastErr = err
			d.resolve(ts, b, verdict{outcome: Rejected, reason: ReasonInvalid, partition: -1})
		}
		ts.stale = ts.stale[1:]
	}
	ts.stale, ts.dealing = nil, false
}

// giveBack puts a batch that was not appended where it waits for its next attempt.
func (d *dispatcher) giveBack(ts *topicState, b *buffer.Batch) {
	if b.BuiltForOther(ts.count) {
		ts.stale = append([]*buffer.Batch{b}, ts.stale...) // it is older than all that wait
		return
	}
	ts.t.Requeue(b)
}

// expire ends what has waited for its delivery timeout: where it was written and not answered it is possibly persisted.
func (d *dispatcher) expire(ts *topicState, now time.Duration, alarm *alarm) {
	timeout := d.cfg.DeliveryTimeout
	for _, b := range ts.t.TakeOlder(now - timeout + 1) {
		d.resolve(ts, b, verdict{outcome: Expired, reason: ReasonDeliveryTimeout, partition: b.Partition()})
	}
	for len(ts.stale) > 0 && ts.stale[0].Born() <= now-timeout && !ts.stale[0].Busy() {
		d.resolve(ts, ts.stale[0], verdict{outcome: Expired, reason: ReasonDeliveryTimeout, partition: -1})
		ts.stale = ts.stale[1:]
	}
	if len(ts.stale) > 0 {
		alarm.by(ts.stale[0].Born() + timeout)
	}
	for _, p := range ts.parts {
		if b := p.pinned; b != nil {
			if b.Born() <= now-timeout {
				d.resolve(ts, b, verdict{outcome: Expired, reason: ReasonDeliveryTimeout, partition: p.id})
				p.pinned, p.orphan = nil, true
			} else {
				alarm.by(b.Born() + timeout)
			}
		}
		if p.flying != nil && !p.flying.gone {
			d.expireFlying(ts, p, now, alarm)
		}
	}
}

// expireFlying ends a batch in flight whose time is up. Its request goes on without it.
func (d *dispatcher) expireFlying(ts *topicState, p *partition, now time.Duration, alarm *alarm) {
	it := p.flying
	deadline := it.batch.Born() + d.cfg.DeliveryTimeout
	switch {
	case deadline > now:
		alarm.by(deadline)
		return
	case !it.ship.handed.Load():
		alarm.by(now + time.Millisecond) // it is being compressed, which is soon over
		return
	}
	it.gone, it.written = true, it.attempt.Revoke()
	p.orphan = p.orphan || it.batch.History.Unresolved
	it.batch.History.MaybeWritten = it.batch.History.MaybeWritten || it.written
	d.resolve(ts, it.batch, verdict{outcome: Expired, reason: ReasonDeliveryTimeout, partition: p.id})
}

// moveUnresolved lets un-keyed batches go elsewhere that were written and not answered, when their partition has had no
// leader that can be reached for long enough. They may be in Kafka twice then, and are counted so.
func (d *dispatcher) moveUnresolved(ts *topicState, now time.Duration, alarm *alarm) {
	after := d.cfg.MoveUnresolvedAfter
	for _, p := range ts.parts {
		if p.pinned == nil || p.leader != nil && p.leader.usable {
			p.leaderlessSince = 0
			continue
		}
		if p.leaderlessSince == 0 {
			p.leaderlessSince = now
		}
		switch {
		case after == Never || p.pinned.Kind() != buffer.Unkeyed || len(ts.parts) == 1:
		case now < p.leaderlessSince+after:
			alarm.by(p.leaderlessSince + after)
		default:
			d.evacuate(ts, p)
		}
	}
}
