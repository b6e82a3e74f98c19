package dispatch

import (
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/internal/cluster"
)

// badMax is how many records of a topic are rejected one by one, with none delivered in between,
// before whole batches are rejected. If every record is bad, as without keys in a compacted
// topic, finding each one would cost two requests a record.
const badMax = 16

// reject gives up the records that the broker named, and sends the others again. If it named
// none, as brokers before 2.4 and many proxies do, the batch is halved until a bad record is
// alone. That takes about two attempts for each power of two in the batch.
func (an *answers) reject(it *item, action cluster.Action, err error) {
	if action == cluster.Reject {
		it.stream.retryAt = 0
	}
	b, v := it.batch, Verdict{Outcome: delivery.Rejected, Reason: delivery.Invalid,
		Partition: it.stream.id,
		Err:       err}
	picked := make(map[int]bool)
	for _, i := range it.attempt.Bad {
		if i >= 0 && i < b.Records() {
			picked[i] = true
		}
	}
	switch {
	case len(picked) == 0 && b.Records() > 1 && it.ts.bad < badMax &&
		it.attempt.Code != kerr.UnsupportedForMessageFormat.Code:
		an.splitter.halve(it, delivery.Invalid, err)
		return
	case len(picked) == 0 && b.Records() == 1:
		it.ts.bad++
	}
	if len(picked) == 0 || len(picked) == b.Records() {
		an.resolve(it.ts, b, v)
		return
	}
	an.recount(it)
	those, others, failure := it.ts.t.Pick(b, picked)
	if failure != nil {
		an.resolve(it.ts, b, v)
		return
	}
	an.resolve(it.ts, those, v)
	an.giveBack(it.ts, it.stream, others)
}
