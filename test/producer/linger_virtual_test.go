//go:build synctests

package producer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/proof"
)

// Where records are few, they wait for one another, up to what the settings allow, and no longer
// where they are many.
func TestVirtual_Linger_IsLongerWhereRecordsAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		judged(t, proof.Of(t, "F15"), setup{change: func(c *producer.Config) {
			c.Batching.MaxLinger = 200 * time.Millisecond
		}}, func(b *bubble) {
			requests := b.observe(kmsg.Produce)
			// those of every priority, in each request
			rate := func(d time.Duration, each int) float64 {
				before := requests.Hits()
				sent := everyPriority(b, d, each)
				return float64(sent) / float64(requests.Hits()-before)
			}
			rate(10*time.Second, 1)
			require.Greater(t, rate(30*time.Second, 1), 8.0, "records in a request")
			b.flush()
			clear(b.longest)
			rate(5*time.Second, 1)
			b.flush()
			require.LessOrEqual(t, b.longest["events"], 450*time.Millisecond)

			rate(10*time.Second, 100)
			b.flush()
			clear(b.longest)
			rate(5*time.Second, 100)
			b.flush()
			require.LessOrEqual(t, b.longest["events"], 50*time.Millisecond)
			b.proof.Bit("records of three priorities", int64(b.p.Stats().Total.Accepted))
		})
	})
}

// A linger that is longer than records may wait does not make them expire.
func TestVirtual_Linger_LeavesRecordsTheirTime(t *testing.T) {
	for _, linger := range []time.Duration{10 * time.Millisecond, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			const timeout = 5 * time.Second
			judged(t, proof.Of(t, "F15"), setup{change: func(c *producer.Config) {
				c.Batching.Linger, c.Batching.MaxLinger = linger, time.Minute
				c.Priorities.Medium.DeliveryTimeout = timeout
			}}, func(b *bubble) {
				for range 30 {
					b.send("events", 2)
					time.Sleep(7 * time.Second)
				}
				b.proof.Bit("records that lingered", int64(b.p.Stats().Total.Accepted))
				require.Zero(t, b.p.Stats().Total.Expired)
				require.LessOrEqual(t, b.longest["events"], timeout/8+100*time.Millisecond)
			})
		})
	}
}
