//go:build synctests

package producer_test

import (
	"context"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/forebay-go/forebay/producer"
)

// This test is an example: how an application can test an outage of an hour in virtual time, with
// public packages only. An Example function cannot do it, because synctest.Test needs a *testing.T.
//
// Three things make it work:
//   - kfake listens on a kfake.VirtualNetwork. A goroutine that waits for a real socket stops
//     virtual time.
//   - The producer dials through that network. Here the dialer also plays the outage.
//   - The test runs with -tags synctests. Without that tag kgo waits for locks in a way that
//     stops virtual time.
func TestVirtual_ExampleOutageOfAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := new(kfake.VirtualNetwork)
		kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(19092),
			kfake.ListenFn(network.Listen), kfake.SeedTopics(3, "plays"))
		require.NoError(t, err)
		defer kafka.Close()

		var away atomic.Bool
		away.Store(true) // before the program starts
		dial := func(ctx context.Context, netw, addr string) (net.Conn, error) {
			if away.Load() {
				return nil, syscall.ECONNREFUSED
			}
			return network.DialContext(ctx, netw, addr)
		}
		var slowest time.Duration // from Send to delivery
		p, err := producer.New(producer.Config{
			Clusters: map[string]producer.ClusterConfig{"events": {Brokers: kafka.ListenAddrs()}},
			Priorities: producer.PrioritiesConfig{
				// The default is 10 minutes.
				Medium: producer.PriorityConfig{DeliveryTimeout: 2 * time.Hour},
			},
		}, producer.WithDialer(dial), producer.WithDelivery(func(r producer.Report) {
			slowest = max(slowest, r.Waited)
		}))
		require.NoError(t, err)
		defer p.Close(t.Context())

		for range 60 {
			require.NoError(t, p.Send(producer.Record{Topic: "plays", Value: []byte("title 7")}))
			time.Sleep(time.Minute) // virtual: it takes no time
		}
		require.EqualValues(t, 60, p.Stats().Total.Pending)

		away.Store(false)
		back := time.Now()
		require.NoError(t, p.Flush(t.Context()))
		require.Less(t, time.Since(back), 2250*time.Millisecond) // what the README promises

		summary, err := p.Close(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 60, summary.Delivered)
		require.Greater(t, slowest, time.Hour) // of the first record
	})
}
