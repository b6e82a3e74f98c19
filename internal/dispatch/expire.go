package dispatch

import (
	"slices"
	"time"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/delivery"
)

// expiry ends what has waited for its delivery timeout, and moves what has waited for too long for
// one partition.
type expiry struct{ *core }

// expire ends what has waited for its delivery timeout: where it was written and not answered it is
// possibly persisted.
func (ex *expiry) expire(ts *topicState) {
	timeout := ex.pass.DeliveryTimeout
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

// old takes what waits for us since before limit.
func (ts *topicState) old(limit time.Duration) []*buffer.Batch {
	if !ts.owned {
		return nil
	}
	return ts.t.TakeOlder(limit)
}

// expireFlying ends a batch in flight whose time is up. Its request goes on without it.
func (ex *expiry) expireFlying(ts *topicState, st *stream) {
	it := st.flying
	deadline := it.batch.Born() + ex.pass.DeliveryTimeout
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

// moveUnresolved lets un-keyed batches go elsewhere that were written and not answered, when their
// partition has had no leader that can be reached for long enough, while another has. They may be
// in Kafka twice then, and are counted so.
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

// elsewhere reports whether another partition has a leader that can be reached. While none
// has, as when the whole cluster is away, a batch that leaves its partition gets nowhere sooner.
func (ts *topicState) elsewhere(st *stream) bool {
	return slices.ContainsFunc(ts.parts, func(q *stream) bool {
		return q.id != st.id &&
			q.leader != nil && q.leader.usable
	})
}
