package dispatch

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/delivery"
)

// splitter halves batches that are too large for their topic or their broker.
type splitter struct{ *core }

// split halves a batch that is too large. A single record that is too large is rejected.
func (sp *splitter) split(it *item, err error) {
	it.stream.retryAt = 0
	b := it.batch
	if b.Records() == 1 {
		sp.resolve(it.ts, b, Verdict{Outcome: delivery.Rejected, Reason: delivery.TooLarge,
			Partition: it.stream.id,
			Err:       err})
		return
	}
	sp.limit(it)
	sp.halve(it, delivery.TooLarge, err)
}

// halve puts the two halves of a batch in its place.
func (sp *splitter) halve(it *item, reason delivery.Reason, err error) {
	sp.recount(it)
	halves, failure := it.ts.t.Halve(it.batch)
	if failure != nil {
		sp.resolve(it.ts, it.batch, Verdict{Outcome: delivery.Rejected, Reason: reason,
			Partition: it.stream.id,
			Err:       errors.Join(err, failure)})
		return
	}
	for _, half := range slices.Backward(halves) {
		sp.giveBack(it.ts, it.stream, half)
	}
}

// limitFor is how long a topic's batches are kept smaller after one was too large. The limit of
// the topic may be raised meanwhile.
const limitFor = 10 * time.Minute

// limit keeps the batches of a topic at half the size of one that was too large.
func (sp *splitter) limit(it *item) {
	if !it.ts.owned {
		return
	}
	half := it.batch.RawSize() / 2
	if it.ts.limitUntil == 0 || half < it.ts.limit {
		it.ts.limit = half
		it.ts.t.Limit(half)
	}
	it.ts.limitUntil = sp.engine.clock.Mono() + limitFor
}

// liftLimit forgets that a batch was too large, when that was long ago.
func (ts *topicState) liftLimit(now time.Duration) {
	if ts.limitUntil <= now {
		ts.lift()
	}
}

// lift forgets that a batch was too large.
func (ts *topicState) lift() {
	if ts.limitUntil != 0 {
		ts.t.Limit(0)
		ts.limitUntil = 0
	}
}

// condemn halves a batch, or gives up a record, on which the broker hangs up each time.
func (sp *splitter) condemn(it *item) {
	s, z := it.ship, &it.ship.broker.sizes
	if len(s.items) > 1 || !hungUp(s.err) || !z.sure() || s.wrote < z.died {
		return
	}
	what, do := "batch", "lower batching.max_bytes"
	if it.batch.Records() == 1 {
		what, do = "record", "lower batching.max_record_bytes, so that Send refuses it"
	}
	err := fmt.Errorf("broker %d hangs up on a request of %d bytes, which is one %s: %s, or "+
		"raise the limit of the broker (socket.request.max.bytes): %w",
		s.broker.ID, s.wrote, what, do, s.err)
	sp.failed(it, err)
	sp.troubles.blame(it, delivery.CauseRequestTooLarge, err)
	if !z.saidAlone {
		z.saidAlone = true
		sp.log.Warn("broker hangs up on single batches: lower batching.max_bytes, or raise the "+
			"limit of the broker",
			zap.Int32("broker", s.broker.ID), zap.String("topic", it.ts.t.Name()), zap.Int("bytes",
				s.wrote), zap.Int("records", it.batch.Records()))
	}
	if z.deaths < aloneDeaths {
		return
	}
	it.stream.pinned = nil
	sp.split(it, err)
}

// halveBefore halves a batch that the broker would hang up on, or that is larger than a full one,
// before it is written for the first time.
func (sp *splitter) halveBefore(b *brokerState, ts *topicState, st *stream,
	batch *buffer.Batch) bool {
	lethal := b.sizes.tooLarge(batch.Size()+framed(ts), sp.pass.now)
	if batch.Records() == 1 || batch.History.Unresolved || !lethal && !batch.IsLarge() {
		return false
	}
	halves, err := ts.t.Halve(batch)
	if err != nil {
		return false
	}
	if lethal || sp.anyRefuses(ts.cfg.Codec) {
		sp.limit(&item{ts: ts, batch: batch})
	}
	for _, half := range slices.Backward(halves) {
		sp.giveBack(ts, st, half)
	}
	ts.survey()
	return true
}
