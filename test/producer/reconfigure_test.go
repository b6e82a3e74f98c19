package producer_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
	"github.com/forebay-go/forebay/test/ledger"
)

// Settings change two hundred times while everything else is called. Time is real, for the race
// detector.
func TestReconfigure_WhileEverythingElseIsCalled_ConcurrentSafe(t *testing.T) {
	t.Parallel()
	clusters := make(map[string]producer.ClusterConfig)
	for i, name := range []string{"main", "spare"} {
		k, err := kfake.NewCluster(kfake.NumBrokers(1))
		require.NoError(t, err)
		t.Cleanup(k.Close)
		require.NoError(t, k.CreateTopic("events", int32(2+i), nil))
		clusters[name] = producer.ClusterConfig{Brokers: k.ListenAddrs()}
	}
	configs := make([]producer.Config, 8)
	for i := range configs {
		cfg := &configs[i]
		cfg.Clusters = map[string]producer.ClusterConfig{"main": clusters["main"],
			"spare": clusters["spare"]}
		cfg.Batching.Linger = time.Duration(1+i%2) * time.Millisecond
		first, second := "main", "spare"
		if i%4 < 2 {
			first, second = second, first
		}
		cfg.Priorities.Low.Cluster, cfg.Priorities.High.Cluster = first, second
		cfg.Priorities.Medium = producer.PriorityConfig{Cluster: first,
			Fallbacks: []routing.Fallback{{Cluster: second}}}
		if i >= 4 {
			renewed := cfg.Clusters["main"]
			renewed.CreateTopics.Enabled = true
			cfg.Clusters["main"] = renewed
		}
	}
	l := ledger.New()
	p, err := producer.New(configs[0], producer.WithDelivery(l.Report),
		producer.WithEvents(func(producer.Event) {}))
	require.NoError(t, err)
	var wg sync.WaitGroup
	var over atomic.Bool
	beside := func(fn func(i int)) {
		wg.Go(func() {
			for i := 0; !over.Load(); i++ {
				fn(i)
			}
		})
	}
	for range 4 {
		beside(func(i int) {
			rec := producer.Record{Topic: "events", Priority: routing.All[i%3]}
			if i%2 == 0 {
				rec.Key = fmt.Append(nil, i%7)
			}
			_ = l.Send(p, rec)
			// a Flush waits for all that is pending: no more than a slow machine delivers soon
			for more := i%50 == 0; more; more = p.Stats().Total.Pending > 10_000 && !over.Load() {
				time.Sleep(time.Millisecond)
			}
		})
	}
	var last producer.Stats
	beside(func(int) {
		s := p.Stats()
		if !s.Total.Balanced() || s.Total.Delivered < last.Total.Delivered ||
			s.Requests < last.Requests {
			t.Errorf("%+v after %+v", s.Total, last.Total)
		}
		last = s
		for range p.Current() { //nolint:revive // it is only looked at
		}
		time.Sleep(time.Millisecond)
	})
	beside(func(int) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := p.Flush(ctx); err != nil {
			t.Error(err)
		}
		time.Sleep(5 * time.Millisecond)
	})
	for i := range 200 {
		require.NoError(t, p.Reconfigure(configs[i%len(configs)]))
		time.Sleep(time.Duration(i%5) * time.Millisecond)
	}
	over.Store(true)
	wg.Wait()
	wg.Go(func() { _ = p.Reconfigure(configs[1]) })
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	summary, err := p.Close(ctx)
	require.NoError(t, err)
	wg.Wait()
	require.Equal(t, summary.Accepted, summary.Delivered)
	require.Equal(t, l.Accepted(), summary.Delivered)
	require.ErrorIs(t, p.Reconfigure(configs[1]), producer.ErrClosed)
}
