package hostile

import (
	"math"
	"math/rand/v2"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// code returns an error code, known or not.
func code(r *rand.Rand) int16 { return int16(r.IntN(152)) - 1 }

// versions returns what a broker may say that it speaks.
func versions() []Mutation {
	keys := func(fn func(r *rand.Rand, k *kmsg.ApiVersionsResponseApiKey)) func(*rand.Rand,
		kmsg.Response) {
		return func(r *rand.Rand, resp kmsg.Response) {
			v := resp.(*kmsg.ApiVersionsResponse)
			for i := range v.ApiKeys {
				fn(r, &v.ApiKeys[i])
			}
		}
	}
	all := []Mutation{
		{Name: "speaks nothing", resp: func(_ *rand.Rand, resp kmsg.Response) {
			resp.(*kmsg.ApiVersionsResponse).ApiKeys = nil
		}},
		{Name: "speaks the oldest only", resp: keys(func(_ *rand.Rand,
			k *kmsg.ApiVersionsResponseApiKey) {
			k.MinVersion, k.MaxVersion = 0, 0
		})},
		{Name: "speaks the newest only", resp: keys(func(_ *rand.Rand,
			k *kmsg.ApiVersionsResponseApiKey) {
			k.MinVersion, k.MaxVersion = 1000, math.MaxInt16
		})},
		{Name: "speaks everything", resp: keys(func(_ *rand.Rand,
			k *kmsg.ApiVersionsResponseApiKey) {
			k.MinVersion, k.MaxVersion = math.MinInt16, math.MaxInt16
		})},
		{Name: "speaks anything", resp: keys(func(r *rand.Rand, k *kmsg.ApiVersionsResponseApiKey) {
			k.MinVersion, k.MaxVersion = int16(r.IntN(30)-10), int16(r.IntN(30)-10)
		})},
		{Name: "does not want to speak", resp: func(r *rand.Rand, resp kmsg.Response) {
			resp.(*kmsg.ApiVersionsResponse).ErrorCode = code(r)
		}},
		{Name: "throttles the greeting", resp: func(_ *rand.Rand, resp kmsg.Response) {
			resp.(*kmsg.ApiVersionsResponse).ThrottleMillis = math.MaxInt32
		}},
	}
	for i := range all {
		all[i].Fault, all[i].Keys = Frames, []kmsg.Key{kmsg.ApiVersions}
	}
	return all
}
