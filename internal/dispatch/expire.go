package dispatch

import (
	"slices"
	"time"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/delivery"
)

// expiry ends batches whose delivery timeout is over, and moves unanswered batches away from a
// partition without a leader.
type expiry struct{ *core }

// expire ends the batches of a topic whose delivery timeout, or TTL, is over. A batch that was
// written and not answered is possibly persisted.
func (ex *expiry) expire(ts *topicState) {
	timeout := ts.cfg.DeliveryTimeout
	for _, b := range ts.old(ex.pass.now, timeout) {
		ex.over(ts, b, b.Partition())
	}
	ts.stale = slices.DeleteFunc(ts.stale, func(b *buffer.Batch) bool {
		old := b.Deadline(timeout) <= ex.pass.now && !b.Busy()
		if old {
			ex.over(ts, b, -1)
		} else {
			ex.pass.by(b.Deadline(timeout))
		}
		return old
	})
	for _, st := range ts.all {
		if b := st.pinned; b != nil {
			if b.Deadline(timeout) <= ex.pass.now {
				ex.over(ts, b, st.id)
				st.pinned = nil
			} else {
				ex.pass.by(b.Deadline(timeout))
			}
		}
		if st.flying != nil && !st.flying.gone {
			ex.expireFlying(ts, st)
		}
	}
}

// over ends a batch whose time is over. It has no partition if that is -1.
func (ex *expiry) over(ts *topicState, b *buffer.Batch, partition int32) {
	if b.TTL() > 0 {
		ts.lose(b, ex.pass.now)
	}
	v := overdue(b, delivery.Expired, delivery.DeliveryTimeout)
	v.Partition = partition
	ex.resolve(ts, b, v)
}

// lose notes that records of ts have expired, which may have had too short a TTL to be found
// waiting.
func (ts *topicState) lose(b *buffer.Batch, now time.Duration) {
	if now > ts.lostAt+lookEvery {
		ts.lostSince = b.Born()
	}
	ts.lostAt = now
}

// old takes the batches that wait and whose time is over.
func (ts *topicState) old(now, timeout time.Duration) []*buffer.Batch {
	if !ts.owned {
		return nil
	}
	return ts.t.TakeExpired(now, timeout)
}

// expireFlying ends a batch in flight whose time is up. Its request goes on without it.
func (ex *expiry) expireFlying(ts *topicState, st *stream) {
	it := st.flying
	deadline := it.batch.Deadline(ts.cfg.DeliveryTimeout)
	switch {
	case deadline > ex.pass.now:
		ex.pass.by(deadline)
		return
	case !it.ship.handed.Load():
		ex.pass.by(ex.pass.now + time.Millisecond) // it is being compressed, which is soon over
		return
	}
	it.gone, it.written = true, it.attempt.Revoke()
	it.batch.History.MaybeWritten = it.batch.History.MaybeWritten || it.written
	ex.over(ts, it.batch, st.id)
}

// moveUnresolved lets unanswered un-keyed batches go to another partition if theirs has had no
// reachable leader for long enough and another has one. They count as maybe duplicated then.
func (ex *expiry) moveUnresolved(ts *topicState) {
	after := ex.pass.MoveUnresolvedAfter
	for _, st := range ts.all {
		if st.pinned == nil || st.leader != nil && st.leader.usable || ts.owned &&
			!ts.elsewhere(st) {
			st.leaderlessSince = 0
			continue
		}
		if st.leaderlessSince == 0 {
			st.leaderlessSince = ex.pass.now
		}
		switch {
		case after == Never || st.pinned.Kind() != buffer.Unkeyed:
		case ex.pass.now < st.leaderlessSince+after:
			ex.pass.by(st.leaderlessSince + after)
		default:
			ex.evacuate(ts, st)
		}
	}
}

// elsewhere reports whether another partition has a reachable leader. If none has, as when the
// whole cluster is away, a batch gains nothing by leaving its partition.
func (ts *topicState) elsewhere(st *stream) bool {
	return slices.ContainsFunc(ts.parts, func(q *stream) bool {
		return q.id != st.id && q.leader != nil && q.leader.usable
	})
}
