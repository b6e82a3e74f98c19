//go:build synctests

package producer_test

import (
	"crypto/rand"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/proof"
)

// The brokers of these tests hang up on requests above a size, without a word.

// flood sends n records of so many random bytes as fast as they are taken.
func (b *bubble) flood(n, size int) {
	for range n {
		value := make([]byte, size)
		_, _ = rand.Read(value)
		for b.p.Stats().HeldBytes > 30<<20 {
			time.Sleep(time.Millisecond)
		}
		require.NoError(b.t, b.ledger.Send(b.p, producer.Record{Topic: "events", Value: value}))
	}
}

const hungUp = "broker hangs up on large requests: they are kept smaller"

func TestVirtual_F7_ABrokerThatHangsUpOnLargeRequestsGetsSmallerOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var repeated, attempts uint64
		s := judged(t, proof.Of(t, "F7"), setup{topics: map[string]int32{"events": 12},
			change: func(c *producer.Config) { c.Batching.MaxBytes = 100_000 }}, func(b *bubble) {
			b.k.link.Delay(10 * time.Millisecond) // so that batches wait for one another
			b.k.link.HangUpAbove(300_000)
			b.flood(40_000, 1000)
			b.flush()
			b.proof.Bit("connections that ended with a request that was too large", b.k.link.Cuts())
			repeated, attempts = b.p.Stats().Retries, b.p.Stats().Attempts
			require.LessOrEqual(t, b.logs.FilterMessage(hungUp).Len(), 2, "once for each broker")
		})
		require.EqualValues(t, 40_000, s.Total.Delivered)
		require.Zero(t, s.Total.MaybeDuplicated)
		require.Less(t, repeated, attempts/8)
	})
}

// The limit is gone after a while, as when a broker was replaced.
func TestVirtual_F7_LargeRequestsAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		judged(t, proof.Of(t, "F7"), setup{brokers: 1, topics: map[string]int32{"events": 12},
			change: func(c *producer.Config) { c.Batching.MaxBytes = 100_000 }}, func(b *bubble) {
			b.k.link.Delay(10 * time.Millisecond) // so that batches wait for one another
			b.k.link.HangUpAbove(300_000)
			b.flood(10_000, 1000)
			b.flush()
			b.proof.Bit("connections that ended with a request that was too large", b.k.link.Cuts())
			b.k.link.HangUpAbove(0)
			time.Sleep(time.Minute)
			large := b.k.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Observe: true, Count: -1,
				When: func(r kmsg.Request) bool {
					return len(r.AppendTo(nil)) > 300_000
				}})
			b.flood(20_000, 1000)
			b.flush()
			require.Greater(t, large.Hits(), 10)
		})
	})
}

// A batch by itself is too large: it is halved, and its records count as maybe duplicated, for it
// was written. Those behind it are halved before they are written.
func TestVirtual_F7_ABatchThatIsTooLargeByItselfIsSaidAndHalved(t *testing.T) {
	for _, codec := range []string{"none", "lz4"} {
		t.Run(codec, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := proof.Of(t, "F7")
				const alone = "broker hangs up on single batches: lower batching.max_bytes, or " +
					"raise the limit of the broker"
				s := judged(t, c, setup{brokers: 1,
					change: func(c *producer.Config) { c.Batching.Compression = codec }},
					func(b *bubble) {
						b.k.link.HangUpAbove(600_000)
						begin := time.Now()
						b.flood(20_000, 1000)
						b.flush()
						require.Less(t, time.Since(begin), 10*time.Second)
						b.proof.Bit("connections that ended with a batch that was too large",
							b.k.link.Cuts())
						require.Equal(t, 1, b.logs.FilterMessage(alone).Len())
						require.Less(t, b.k.link.Cuts(), int64(30))
					})
				require.EqualValues(t, 20_000, s.Total.Delivered)
				require.LessOrEqual(t, s.Total.MaybeDuplicated, uint64(10_000),
					"those that were written, not those behind them")
			})
		})
	}
}

// A record by itself is too large.
func TestVirtual_F7_ARecordThatIsTooLargeByItselfIsGivenUpAndSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told producer.Report
		s := judged(t, proof.Of(t, "F7"), setup{brokers: 1, topics: map[string]int32{"events": 1}},
			func(b *bubble) {
				b.also = func(r producer.Report) {
					if r.Outcome != producer.Delivered {
						told = r
					}
				}
				b.k.link.HangUpAbove(500_000)
				b.flood(1, 600_000)
				b.flood(10, 1000)
				time.Sleep(10 * time.Second)
				b.flush()
				b.proof.Bit("connections that ended with a record that was too large",
					b.k.link.Cuts())
				require.Equal(t, 1, b.logs.FilterMessageSnippet("hangs up on single batches").Len())
			})
		require.EqualValues(t, 10, s.Total.Delivered)
		require.EqualValues(t, 1, s.Total.PossiblyPersisted, "it was written, and nobody answered")
		require.ErrorContains(t, told.Err, "batching.max_record_bytes")
		require.ErrorContains(t, told.Err, "which is one record")
	})
}
