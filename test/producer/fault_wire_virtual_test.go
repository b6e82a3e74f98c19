//go:build synctests

package producer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
	"github.com/forebay-go/forebay/test/proof"
)

// serial has brokers write one request after the other, at eight megabytes a second.
func (b *bubble) serial() {
	const rate = 8 << 20
	disk := make(chan struct{}, 1)
	b.k.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		b.k.KeepControl()
		bytes := 0
		for _, t := range req.(*kmsg.ProduceRequest).Topics {
			for _, p := range t.Partitions {
				bytes += len(p.Records)
			}
		}
		b.k.SleepControl(func() {
			disk <- struct{}{}
			time.Sleep(time.Duration(bytes) * time.Second / rate)
			<-disk
		})
		return nil, nil, false
	})
}

func TestVirtual_F15_HighGoesBeforeLowWhereTheyShareABroker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F15")
		var part float64
		judged(t, c, setup{brokers: 1, topics: map[string]int32{"events": 6, "others": 6},
			change: func(cfg *producer.Config) {
				cfg.Priorities.Low.DeliveryTimeout = 10 * time.Minute
			}}, func(b *bubble) {
			require.NoError(t, b.p.WaitReady(t.Context()))
			b.serial()
			flood := func(p routing.Priority, topic string) {
				_ = b.ledger.Send(b.p, producer.Record{Topic: topic, Priority: p,
					Value: make([]byte, 1000)})
			}
			for range 1000 { // of 20 ms, each with 16 MB/s of either
				for range 320 {
					flood(routing.High, "events")
					flood(routing.Low, "others")
				}
				time.Sleep(20 * time.Millisecond)
			}
			s := b.p.Stats()
			high, low := s.Priorities[routing.High].Delivered, s.Priorities[routing.Low].Delivered
			part = float64(low) / float64(high+low)
			c.Bit("records of either sent beyond what the broker takes",
				int64(s.Total.Pending+s.Total.Refused))
			c.Figure("low's part of the wire", "%.3f", part)
		})
		require.Less(t, part, 0.3,
			"a batch at a time, and one beside it for partitions that are slow")
		require.Greater(t, part, 0.03)
	})
}
