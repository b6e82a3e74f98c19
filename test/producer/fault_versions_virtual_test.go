//go:build synctests

package producer_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/proof"
)

// speaks has the brokers among nodes say that they speak what a version of Kafka does, until the
// link is reset after old was set to false.
func (b *bubble) speaks(v *kversion.Versions, old *atomic.Bool, nodes ...int32) {
	b.k.ControlKey(int16(kmsg.ApiVersions), func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.k.KeepControl()
		at := b.k.CurrentNode()
		for _, node := range nodes {
			if old.Load() && node == at {
				resp := r.ResponseKind().(*kmsg.ApiVersionsResponse)
				v.EachMaxKeyVersion(func(key, version int16) {
					if key != int16(kmsg.ApiVersions) {
						resp.ApiKeys = append(resp.ApiKeys,
							kmsg.ApiVersionsResponseApiKey{ApiKey: key, MaxVersion: version})
					}
				})
				resp.ApiKeys = append(resp.ApiKeys,
					kmsg.ApiVersionsResponseApiKey{ApiKey: int16(kmsg.ApiVersions),
						MaxVersion: r.GetVersion()})
				return resp, nil, true
			}
		}
		return nil, nil, false
	})
}

const uncompressed = "broker does not take the compression: batches go to it uncompressed"

// Brokers before Kafka 2.1 do not know zstd, and answer UNKNOWN_SERVER_ERROR to it. A cluster may
// have some of them, and become newer.
func TestVirtual_F9_ABrokerThatIsTooOldForZstdGetsBatchesUncompressed(t *testing.T) {
	for _, of := range []struct {
		name  string
		nodes []int32
	}{{"all", []int32{0, 1}}, {"one of two", []int32{0}}} {
		t.Run(of.name, func(t *testing.T) {
			// Time is real: decoders of zstd outlive a bubble, and are ended outside of it.
			var old atomic.Bool
			old.Store(true)
			zstd := func(c *producer.Config) { c.Batching.Compression = "zstd" }
			s := judged(t, proof.Of(t, "F9"),
				setup{real: true, change: zstd, topics: map[string]int32{"events": 6},
					before: func(b *bubble) { b.speaks(kversion.V2_0_0(), &old, of.nodes...) }},
				func(b *bubble) {
					observe := func(old, packed bool) *kfake.FaultHandle {
						return b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Observe: true,
							Count: -1, When: func(r kmsg.Request) bool {
								p := r.(*kmsg.ProduceRequest)
								return (p.Version < 7) == old && compressed(p) == packed
							}})
					}
					refused := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce},
						Err: kerr.UnknownServerError, Count: -1, When: func(r kmsg.Request) bool {
							p := r.(*kmsg.ProduceRequest)
							return p.Version < 7 && compressed(p)
						}})
					toOld, toNew := observe(true, false), observe(false, true)
					b.stream(time.Second, 20, "events")
					b.flush()
					require.Zero(t, refused.Hits(), "nothing is sent that is known not to be taken")
					// lines have a goroutine of their own
					said := func() bool { return b.logs.FilterMessage(uncompressed).Len() == 1 }
					require.Eventually(t, said, time.Minute, time.Millisecond)
					b.proof.Bit("requests to brokers before 2.1", int64(toOld.Hits()))
					if len(of.nodes) == 1 {
						require.Positive(t, toNew.Hits(), "the other broker gets it compressed")
					}
					old.Store(false) // they are upgraded
					b.k.link.Reset()
					b.stream(time.Second, 20, "events")
					b.flush()
					before := toOld.Hits()
					b.stream(time.Second, 20, "events")
					require.Equal(t, before, toOld.Hits())
					require.Positive(t, toNew.Hits())
				})
			require.Equal(t, s.Total.Accepted, s.Total.Delivered)
			require.Zero(t, s.Total.MaybeDuplicated)
		})
	}
}
