package dispatch

import (
	"errors"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/internal/cluster"
)

// decompress has a batch, and all that follow it to this broker, go uncompressed: it does not take
// the compression. Those that were compressed before, for others, come here once and go on
// uncompressed.
func (an *answers) decompress(it *item, _ cluster.Action, err error) {
	an.sayPlain(it, err)
	it.ship.broker.plain = true
	if it.batch.Codec() == 0 {
		an.again(it) // it is not that
		return
	}
	it.stream.retryAt = 0
	an.recount(it)
	b, failure := it.ts.t.Decompress(it.batch)
	if failure != nil {
		an.resolve(it.ts, it.batch, Verdict{Outcome: delivery.Rejected, Reason: delivery.Invalid,
			Partition: it.stream.id, Err: errors.Join(err, failure)})
		return
	}
	an.giveBack(it.ts, it.stream, b)
}

// sayPlain says once that a broker does not take the compression.
func (an *answers) sayPlain(it *item, err error) {
	if !an.said[it.attempt.Code] {
		an.said[it.attempt.Code] = true
		an.log.Warn("broker does not take the compression: batches go to it uncompressed",
			zap.Int32("broker", it.ship.broker.ID),
			zap.String("compression", an.pass.Compression), zap.Error(err))
	}
}

// codec returns what batches are compressed with.
func (s *shipment) codec() *buffer.Codec {
	if s.plain {
		return buffer.NoCodec
	}
	return s.core.engine.compressor.codec
}
