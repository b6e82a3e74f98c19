//go:build synctests

package logs_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/internal/faultnet"
	"github.com/forebay-go/forebay/logs"
	"github.com/forebay-go/forebay/producer"
)

// world is an embedded Kafka in virtual time, behind a link that can be cut.
type world struct {
	*kfake.Cluster
	network *kfake.VirtualNetwork
	link    *faultnet.Link
}

func newWorld(t require.TestingT) *world {
	w := &world{network: new(kfake.VirtualNetwork)}
	var err error
	w.Cluster, err = kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(19092),
		kfake.ListenFn(w.network.Listen), kfake.SeedTopics(3, "logs"))
	require.NoError(t, err)
	w.link = faultnet.New(w.network.DialContext)
	return w
}

// read returns the values in the topic.
func (w *world) read(t require.TestingT, records int) (values [][]byte) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.ListenAddrs()...), kgo.ConsumeTopics("logs"),
		kgo.Dialer(w.network.DialContext), kgo.DisableClientMetrics())
	require.NoError(t, err)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for ctx.Err() == nil && len(values) < records {
		for rec := range cl.PollFetches(ctx).RecordsAll() {
			values = append(values, rec.Value)
		}
	}
	return values
}

// Kafka is away for ten minutes, and the producer logs the same way as the application. Lines are
// logged until the buffer is full, and beyond. Those that were accepted arrive, the others are
// counted and reported, and Forebay's own lines are not among them.
func TestVirtual_LinesOutliveAnOutage(t *testing.T) {
	for name, make := range ways {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newWorld(t)
				defer k.Close()
				var late logs.Late
				w := make(t, &late, "logs")
				cfg := producer.Config{Clusters: map[string]producer.ClusterConfig{
					"logs": {Brokers: k.ListenAddrs()}}}
				cfg.Buffer.MaxBytes = 1 << 20
				cfg.Priorities.Medium.DeliveryTimeout = time.Hour
				p, err := producer.New(cfg, producer.WithDialer(k.link.Dial), w.own)
				require.NoError(t, err)
				defer func() { _, _ = p.Close(context.Background()) }()
				late.Use(p)
				lines := 0
				log := func(n int, pad string) {
					for range n {
						w.log(lines, pad)
						lines++
					}
				}
				log(100, "")
				time.Sleep(10 * time.Second)
				k.link.Cut()
				for range 600 {
					log(5, strings.Repeat("x", 1000))
					time.Sleep(time.Second)
				}
				s := w.stats()
				require.Positive(t, s.Dropped[producer.ErrBufferFull])
				require.Equal(t, s.Drops(), s.Dropped[producer.ErrBufferFull])
				require.InDelta(t, 10, w.drops(), 4, "reports in the minutes since the buffer was full")
				k.link.Restore()
				time.Sleep(10 * time.Second)
				log(100, "")
				require.NoError(t, p.Flush(t.Context()))
				time.Sleep(5 * time.Minute)

				s = w.stats()
				total := p.Stats().Total
				require.EqualValues(t, lines, s.Sent+s.Drops())
				require.Equal(t, s.Sent, total.Accepted)
				require.Equal(t, s.Sent, total.Delivered)
				require.Greater(t, s.Own, uint64(3), "up, down, lost, up")
				var got []int
				for _, value := range k.read(t, int(s.Sent)) {
					got = append(got, w.number(t, value))
				}
				require.Len(t, got, int(s.Sent))
				slices.Sort(got)
				require.Len(t, slices.Compact(got), int(s.Sent))
				require.Contains(t, got, lines-1)
			})
		})
	}
}
