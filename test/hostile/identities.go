package hostile

import (
	"math"
	"math/rand/v2"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// identities returns what a broker may answer that is asked for a producer ID.
func identities() []Mutation {
	change := func(fn func(r *rand.Rand, p *kmsg.InitProducerIDResponse)) func(*rand.Rand,
		kmsg.Response) {
		return func(r *rand.Rand, resp kmsg.Response) { fn(r, resp.(*kmsg.InitProducerIDResponse)) }
	}
	all := []Mutation{
		{Name: "no producer ID for some reason",
			resp: change(func(r *rand.Rand, p *kmsg.InitProducerIDResponse) {
				p.ErrorCode, p.ProducerID, p.ProducerEpoch = code(r), -1, -1
			})},
		{Name: "a negative producer ID", resp: change(func(r *rand.Rand,
			p *kmsg.InitProducerIDResponse) {
			p.ProducerID = -1 - r.Int64N(math.MaxInt64)
		})},
		{Name: "a producer ID at its last epoch",
			resp: change(func(r *rand.Rand, p *kmsg.InitProducerIDResponse) {
				p.ProducerEpoch = math.MaxInt16 - int16(r.IntN(2))
			})},
		{Name: "a producer ID of a negative epoch",
			resp: change(func(_ *rand.Rand, p *kmsg.InitProducerIDResponse) {
				p.ProducerEpoch = math.MinInt16
			})},
		{Name: "a producer ID and a throttle",
			resp: change(func(_ *rand.Rand, p *kmsg.InitProducerIDResponse) {
				p.ThrottleMillis = math.MaxInt32
			})},
	}
	for i := range all {
		all[i].Fault, all[i].Keys = Answers, []kmsg.Key{kmsg.InitProducerID}
	}
	return all
}
