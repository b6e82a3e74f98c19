package kgocompat

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/producertest"
)

// The promise of each record is called once, one at a time, whatever becomes of the records.
func TestProduce_PromisesAreCalledOnceConcurrentSafe(t *testing.T) {
	var r producertest.Recorder
	steps := []producertest.Step{producertest.Deliver(), producertest.Refuse(producer.ErrBufferFull), producertest.Expire()}
	for range 1000 {
		r.Script("", steps...)
	}
	c := Over(&r)
	const senders, each = 8, 500
	times := make([]int, senders*each) // promises write it without a lock
	var running, overlaps atomic.Int64
	var all sync.WaitGroup
	for s := range senders {
		all.Go(func() {
			for i := range each {
				rec := &kgo.Record{Topic: "plays", Value: make([]byte, i)}
				c.Produce(t.Context(), rec, func(got *kgo.Record, _ error) {
					if running.Add(1) > 1 {
						overlaps.Add(1)
					}
					runtime.Gosched()
					running.Add(-1)
					if got == rec {
						times[s*each+i]++
					}
				})
				if i%100 == 0 {
					require.NoError(t, c.Flush(t.Context()))
				}
			}
		})
	}
	all.Wait()
	require.NoError(t, c.Flush(t.Context()))
	require.Zero(t, overlaps.Load())
	for i, n := range times {
		require.Equal(t, 1, n, i)
	}
	require.Zero(t, c.BufferedProduceRecords())
	require.Zero(t, c.BufferedProduceBytes())
}

func TestProduce_OutlivesPromisesThatPanicOrEndTheirGoroutine(t *testing.T) {
	var r producertest.Recorder
	r.Script("refused", producertest.Refuse(producer.ErrBufferFull))
	c := Over(&r)
	for range 3 {
		for _, end := range []func(){func() { panic("promise") }, runtime.Goexit, func() { panic(nil) }} { //nolint:govet // what a stranger tries
			c.Produce(t.Context(), &kgo.Record{Topic: "refused"}, func(*kgo.Record, error) { end() })
		}
		c.Produce(t.Context(), &kgo.Record{Topic: "delivered"}, func(*kgo.Record, error) { runtime.Goexit() })
	}
	require.NoError(t, c.Flush(t.Context()))
	require.EqualValues(t, 12, c.PromisePanics())
	require.Zero(t, c.BufferedProduceRecords())
	require.NoError(t, c.ProduceSync(t.Context(), &kgo.Record{Topic: "delivered"}).FirstErr())
	require.Error(t, c.ProduceSync(t.Context(), &kgo.Record{Topic: "refused"}).FirstErr())
}

// Neither a promise that hangs nor a full buffer delays Produce.
func TestProduce_ReturnsWhileAPromiseHangs(t *testing.T) {
	var r producertest.Recorder
	r.Script("refused", producertest.Refuse(producer.ErrBufferFull))
	c := Over(&r)
	hang := make(chan struct{})
	c.Produce(t.Context(), &kgo.Record{Topic: "refused"}, func(*kgo.Record, error) { <-hang })
	const n = 20_000 // TryProduce of kgo waits at 8,192
	for range n {
		c.TryProduce(t.Context(), &kgo.Record{Topic: "refused", Value: []byte("four")}, ignore)
	}
	require.EqualValues(t, n+1, c.BufferedProduceRecords())
	require.EqualValues(t, 4*n, c.BufferedProduceBytes())
	require.ErrorIs(t, c.Flush(endedContext()), context.Canceled)
	require.ErrorContains(t, c.Flush(endedContext()), "flush: not all promises have returned")
	close(hang)
	require.NoError(t, c.Flush(t.Context()))
	require.Zero(t, c.BufferedProduceRecords())
}

// However slow promises are, each is called: what waits for them fills the buffer.
func TestNewClient_DropsNoPromise(t *testing.T) {
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "plays"))
	require.NoError(t, err)
	defer k.Close()
	cfg := producer.Config{Clusters: map[string]producer.ClusterConfig{"a": {Brokers: k.ListenAddrs()}}}
	cfg.Buffer.MaxBytes, cfg.Batching.MaxBytes, cfg.Batching.MaxRecordBytes = 1<<20, 1<<16, 1<<16
	c, err := NewClient(cfg)
	require.NoError(t, err)
	defer c.Close()
	hang := make(chan struct{})
	var called, full atomic.Int64
	sent := int64(0)
	for full.Load() == 0 {
		sent++
		c.Produce(t.Context(), &kgo.Record{Topic: "plays", Value: make([]byte, 10_000)}, func(*kgo.Record, error) {
			called.Add(1)
			<-hang
		})
		for _, n := range c.Producer().Stats().Refused {
			full.Add(int64(n))
		}
	}
	for c.Producer().Stats().Total.Pending > 0 {
		time.Sleep(time.Millisecond)
	}
	close(hang)
	require.NoError(t, c.Flush(t.Context()))
	require.Equal(t, sent, called.Load())
	require.Zero(t, c.Producer().Stats().ReportsDropped)
}
