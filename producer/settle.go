package producer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"go.uber.org/zap"

	"github.com/forebay-go/forebay/internal/cluster"
)

const (
	retryMin = 20 * time.Millisecond // before a second attempt, where the answer was an error
	retryMax = time.Second
)

// pause returns how long to wait after fails failures in a row: twice as long each time, with a fifth of jitter.
func pause(fails int) time.Duration {
	d := min(retryMin<<min(fails-1, 10), retryMax)
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}

// land settles the shipments that came back.
func (d *dispatcher) land(now time.Duration) {
	d.mu.Lock()
	landed := d.landed
	d.landed = nil
	d.mu.Unlock()
	for _, s := range landed {
		d.inFlight -= int64(s.bytes)
		d.settleBroker(s, now)
		for _, it := range s.items {
			it.p.flying = nil
			d.settle(it, now)
			d.activate(it.ts)
		}
	}
}

// settleBroker learns from a shipment about its broker.
func (d *dispatcher) settleBroker(s *shipment, now time.Duration) {
	b := s.broker
	b.flying--
	if s.err == nil {
		d.count(s)
		b.fails = 0
		b.limit = min(2*b.limit, maxRequestBytes)
		b.retryAt = now + s.throttle
		return
	}
	b.fails++
	b.limit = max(b.limit/2, d.p.cfg.Batching.MaxBytes)
	b.retryAt = now + pause(b.fails)
	if d.ctx.Err() == nil {
		d.cluster.Failed(b.ID, s.err)
	}
}

func (d *dispatcher) count(s *shipment) {
	d.counts.requests.Add(1)
	d.counts.requestBytes.Add(uint64(s.bytes))
	for _, it := range s.items {
		d.counts.requestRecords.Add(uint64(it.attempt.Records))
	}
}

// settle decides what becomes of a batch that was in flight.
func (d *dispatcher) settle(it *item, now time.Duration) {
	a, b := it.attempt, it.batch
	if it.gone {
		d.settleGone(it)
		return
	}
	switch a.Fate {
	case cluster.NotSent:
		d.failed(it, a.Err)
		d.again(it)
	case cluster.Unresolved:
		b.History.Attempts++
		d.failed(it, a.Err)
		it.pin()
	case cluster.Answered:
		b.History.Attempts++
		d.settleAnswer(it, now)
	}
}

// settleGone learns what it can from the answer to a batch that was resolved while it was in flight.
func (d *dispatcher) settleGone(it *item) {
	switch a := it.attempt; {
	case !it.written:
	case a.Fate == cluster.Answered && a.Action(true) == cluster.Done:
		it.p.seq.Advance(a.Records)
	case a.Fate == cluster.Answered && a.Action(true) == cluster.Elsewhere:
	default:
		it.p.orphan = true
	}
}

func (d *dispatcher) failed(it *item, err error) {
	if err != nil && d.ctx.Err() == nil {
		it.ts.lastErr = err
	}
}

// again has a batch wait for its next attempt: in place if an attempt is unresolved, else wherever there is room.
func (d *dispatcher) again(it *item) {
	if it.batch.History.Unresolved {
		it.p.pinned = it.batch
		return
	}
	d.giveBack(it.ts, it.batch)
}

// settleAnswer does what the broker's error code asks for.
func (d *dispatcher) settleAnswer(it *item, now time.Duration) {
	a, p, b := it.attempt, it.p, it.batch
	action := a.Action(b.History.Unresolved)
	if action == cluster.Done {
		p.seq.Advance(a.Records)
		p.fails, p.sick = 0, false
		b.History.Unresolved = false
		d.resolve(it.ts, b, verdict{outcome: Delivered, partition: p.id, offset: a.Offset})
		return
	}
	err := kerr.ErrorForCode(a.Code)
	if a.Text != "" {
		err = fmt.Errorf("%w: %s", err, a.Text)
	}
	d.failed(it, err)
	p.sick = true
	p.fails++
	p.retryAt = now + pause(p.fails)
	switch action {
	case cluster.Confirm:
		it.pin()
		d.cluster.Refresh()
	case cluster.Elsewhere:
		d.elsewhere(it)
	case cluster.Renew:
		d.renew(it)
	case cluster.NewID:
		d.link.Drop(a.Sequence)
		d.renew(it)
	case cluster.Split:
		d.split(it, err)
	case cluster.Reject:
		d.reject(it, err)
	case cluster.Recompress:
		d.decompress(it, err)
	case cluster.Hold:
		d.cluster.Refresh()
		d.again(it)
	default: // nothing is known of the code, so nothing of the batch either
		d.sayOnce(a.Code, err)
		it.pin()
	}
}

// pin has a batch that may have been written wait in its place, to be sent again as it was.
func (it *item) pin() {
	it.batch.History.Unresolved, it.batch.History.MaybeWritten = true, true
	it.p.pinned = it.batch
}

// elsewhere follows the leader that the broker named, or asks for it.
func (d *dispatcher) elsewhere(it *item) {
	if leader := d.brokers[it.attempt.Leader]; leader != nil && leader != it.p.leader && leader.usable {
		it.p.lead(leader)
	}
	d.cluster.Refresh()
	d.again(it)
}

// renew begins a new numbering of the partition. What an earlier attempt did is not known any more.
func (d *dispatcher) renew(it *item) {
	it.p.orphan = true
	if it.p.fails == 1 {
		it.p.retryAt = 0 // what goes on is paced like any error
	}
	d.recount(it)
	d.giveBack(it.ts, it.batch)
}

// uproot has the partition begin a new numbering if a batch leaves it of which an attempt is unresolved. With the same
// numbers the next batch would be taken for that attempt, and acknowledged without being written.
func (d *dispatcher) uproot(it *item) {
	if it.batch.History.Unresolved {
		it.p.orphan = true
	}
}

// recount counts a batch as maybe duplicated that is sent again with other numbers, if an attempt is unresolved.
func (d *dispatcher) recount(it *item) {
	if it.batch.History.Unresolved {
		it.ts.t.CountDuplicates(it.batch)
		it.batch.History.Unresolved = false
	}
}

// split halves a batch that is too large; a record that is too large by itself is rejected.
func (d *dispatcher) split(it *item, err error) {
	it.p.retryAt = 0
	b := it.batch
	d.uproot(it)
	if b.Records() == 1 {
		d.resolve(it.ts, b, verdict{outcome: Rejected, reason: ReasonTooLarge, partition: it.p.id, err: err})
		return
	}
	d.recount(it)
	halves, failure := it.ts.t.Halve(b)
	if failure != nil {
		d.resolve(it.ts, b, verdict{outcome: Rejected, reason: ReasonTooLarge, partition: it.p.id, err: errors.Join(err, failure)})
		return
	}
	for _, half := range slices.Backward(halves) {
		d.giveBack(it.ts, half)
	}
}

// reject gives up the records that the broker named, and sends the others on; where it named none, all of them.
func (d *dispatcher) reject(it *item, err error) {
	it.p.retryAt = 0
	d.uproot(it)
	b, v := it.batch, verdict{outcome: Rejected, reason: ReasonInvalid, partition: it.p.id, err: err}
	picked := make(map[int]bool)
	for _, i := range it.attempt.Bad {
		if i >= 0 && i < b.Records() {
			picked[i] = true
		}
	}
	if len(picked) == 0 || len(picked) == b.Records() {
		d.resolve(it.ts, b, v)
		return
	}
	d.recount(it)
	those, others, failure := it.ts.t.Pick(b, picked)
	if failure != nil {
		d.resolve(it.ts, b, v)
		return
	}
	d.resolve(it.ts, those, v)
	d.giveBack(it.ts, others)
}

// decompress has a batch, and all that follow in this lane, go uncompressed: the cluster does not take the compression.
func (d *dispatcher) decompress(it *item, err error) {
	d.sayOnce(it.attempt.Code, err)
	d.plain.Store(true)
	if it.batch.Codec() == 0 {
		d.again(it) // it is not that
		return
	}
	it.p.retryAt = 0
	d.uproot(it)
	d.recount(it)
	b, failure := it.ts.t.Decompress(it.batch)
	if failure != nil {
		d.resolve(it.ts, it.batch, verdict{outcome: Rejected, reason: ReasonInvalid, partition: it.p.id, err: errors.Join(err, failure)})
		return
	}
	d.giveBack(it.ts, b)
}

// sayOnce logs an error code that nothing better is known of.
func (d *dispatcher) sayOnce(code int16, err error) {
	if !d.spoken[code] {
		d.spoken[code] = true
		d.log.Warn("Kafka answers with an error that should not be; this is said once", zap.Int16("code", code), zap.Error(err))
	}
}
