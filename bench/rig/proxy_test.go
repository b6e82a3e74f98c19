package rig

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestProxy_CountsWhatPassesAndIsTheOnlyWay(t *testing.T) {
	kafka, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.SeedTopics(6, "events"))
	require.NoError(t, err)
	defer kafka.Close()
	require.NoError(t, Do(t.Context(), func(tb *TB) {
		proxy := StartProxy(tb, kafka.ListenAddrs())
		var dialled sync.Map // addresses
		cl, err := kgo.NewClient(kgo.SeedBrokers(proxy.Seeds()...),
			kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(20*time.Millisecond),
			kgo.Dialer(func(ctx context.Context, network, addr string) (net.Conn, error) {
				dialled.Store(addr, true)
				return new(net.Dialer).DialContext(ctx, network, addr)
			}))
		require.NoError(t, err)
		defer cl.Close()
		var records []*kgo.Record
		for i := range 600 {
			records = append(records, &kgo.Record{Topic: "events", Partition: int32(i % 6),
				Value: []byte("x")})
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		require.NoError(t, cl.ProduceSync(ctx, records...).FirstErr())
		got := proxy.Produced()
		require.EqualValues(t, 600, got.Records)
		require.Zero(t, got.Unread)
		require.GreaterOrEqual(t, got.Batches, int64(6))
		require.GreaterOrEqual(t, got.Batches, got.Requests)
		require.Positive(t, got.Requests)
		dialled.Range(func(addr, _ any) bool {
			require.Contains(t, proxy.Seeds(), addr, "a broker was found without the proxy")
			return true
		})
		require.Zero(t, proxy.Since(got))
	}))
}
