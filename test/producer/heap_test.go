package producer_test

import (
	"context"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/forebay-go/forebay/internal/faultnet"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/proof"
)

// heap returns the bytes of the heap in use after two collections.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse)
}

func TestProducer_F5_TheHeapIsBoundedInOutagesAndGoesBackAfterThem(t *testing.T) {
	c := proof.Of(t, "F5")
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "t"),
		kfake.BlackholeProduce())
	require.NoError(t, err)
	defer k.Close()
	link := faultnet.New(new(net.Dialer).DialContext)
	p, err := producer.New(producer.Config{
		Clusters: map[string]producer.ClusterConfig{"x": {Brokers: k.ListenAddrs()}},
		Buffer:   producer.BufferConfig{MaxBytes: 32 << 20},
	}, producer.WithDialer(link.Dial))
	require.NoError(t, err)
	soon := func() context.Context { // of each step, for there are ten outages
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		t.Cleanup(cancel)
		return ctx
	}
	defer func() { _, _ = p.Close(soon()) }()
	require.NoError(t, p.WaitReady(soon()))
	require.NoError(t, p.Send(producer.Record{Topic: "t"}))
	require.NoError(t, p.Flush(soon()))
	before, accepted, goroutines := heap(), 0, runtime.NumGoroutine()
	for outage := range 10 {
		link.Cut()
		for err = nil; err == nil; accepted++ {
			err = p.Send(producer.Record{Topic: "t", Value: make([]byte, 100)})
		}
		require.ErrorIs(t, err, producer.ErrBufferFull)
		s := p.Stats()
		require.LessOrEqual(t, s.HeldBytes, s.MaxBytes)
		require.LessOrEqual(t, heap()-before, s.MaxBytes+s.OverheadBytes+8<<20, "outage %d", outage)
		c.Held("I11", 1)
		link.Restore()
		require.NoError(t, p.Flush(soon()))
	}
	s := p.Stats()
	require.Less(t, s.HeldBytes, int64(4096), "the table of one topic")
	require.LessOrEqual(t, heap()-before, s.OverheadBytes+8<<20, "after ten outages")
	require.Eventually(t, func() bool { return link.Open() <= 3 }, time.Minute, 10*time.Millisecond,
		"connections: for questions, for records, and aside")
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= goroutines },
		time.Minute, 10*time.Millisecond, "goroutines")
	c.Held("I11", 3)
	c.Bit("connections cut in ten outages", link.Cuts())
	c.Figure("records in ten outages", "%d", accepted)
}
