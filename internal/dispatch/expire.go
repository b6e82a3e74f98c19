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

// expire ends the batches of a topic whose delivery timeout is over. A batch that was written
// and not answered is possibly persisted.
func (ex *expiry) expire(ts *topicState) {
	timeout := ts.cfg.DeliveryTimeout
	for _, b := range ts.old(ex.pass.now - timeout + 1) {
		ex.resolve(ts, b, Verdict{Outcome: delivery.Expired, Reason: delivery.DeliveryTimeout,
			Partition: b.Partition()})
	}
	for len(ts.stale) > 0 && ts.stale[0].Born() <= ex.pass.now-timeout && !ts.stale[0].Busy() {
		ex.resolve(ts, ts.stale[0], Verdict{Outcome: delivery.Expired,
			Reason:    delivery.DeliveryTimeout,
			Partition: -1})
		ts.stale = ts.stale[1:]
	}
	if len(ts.stale) > 0 {
		ex.pass.by(ts.stale[0].Born() + timeout)
	}
	for _, st := range ts.all {
		if b := st.pinned; b != nil {
			if b.Born() <= ex.pass.now-timeout {
				ex.resolve(ts, b, Verdict{Outcome: delivery.Expired,
					Reason:    delivery.DeliveryTimeout,
					Partition: st.id})
				st.pinned = nil
			} else {
				ex.pass.by(b.Born() + timeout)
			}
		}
		if st.flying != nil && !st.flying.gone {
			ex.expireFlying(ts, st)
		}
	}
}

// old takes the batches that have waited since before limit.
func (ts *topicState) old(limit time.Duration) []*buffer.Batch {
	if !ts.owned {
		return nil
	}
	return ts.t.TakeOlder(limit)
}

// expireFlying ends a batch in flight whose time is up. Its request goes on without it.
func (ex *expiry) expireFlying(ts *topicState, st *stream) {
	it := st.flying
	deadline := it.batch.Born() + ts.cfg.DeliveryTimeout
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
	ex.resolve(ts, it.batch, Verdict{Outcome: delivery.Expired, Reason: delivery.DeliveryTimeout,
		Partition: st.id})
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
