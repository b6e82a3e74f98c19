package dispatch

import (
	"errors"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/internal/cluster"
)

// codecs is a set of compressions, a bit for each by Kafka's number.
type codecs uint8

func (c codecs) has(number int8) bool { return c&(1<<number) != 0 }

// decompress has this batch, and all later ones with its compression, go to the broker
// uncompressed, because it does not take that compression.
func (an *answers) decompress(it *item, _ cluster.Action, err error) {
	an.sayPlain(it, err)
	it.ship.broker.refuses |= 1 << it.batch.Codec()
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

// sayPlain logs, once, that a broker does not take the compression.
func (an *answers) sayPlain(it *item, err error) {
	if !an.said[it.attempt.Code] {
		an.said[it.attempt.Code] = true
		an.log.Warn("broker does not take the compression: batches go to it uncompressed",
			zap.Int32("broker", it.ship.broker.ID),
			zap.String("compression", it.ts.cfg.Codec.Name()), zap.Error(err))
	}
}

// codecFor returns what batches of ts are compressed with on their way to b.
func (ts *topicState) codecFor(b *brokerState) *buffer.Codec {
	if b.refuses.has(ts.cfg.Codec.Number()) {
		return buffer.NoCodec
	}
	return ts.cfg.Codec
}
