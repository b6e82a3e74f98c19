//go:build unix

package producer_test

import (
	"testing"
	"time"
	"sync"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap/zaptest"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/internal/kafkatest"
)

func TestProbeFailover(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Brokers(3))
	c.CreateTopic(t, "events", 6, kafkatest.Replication(3), kafkatest.TopicConfig("min.insync.replicas", "2"))
	c.CreateTopic(t, "canary", 6, kafkatest.Replication(3), kafkatest.TopicConfig("min.insync.replicas", "2"))
	tr := try(t, to(c), producer.WithLogger(zaptest.NewLogger(t)))
	stop := tr.stream(t, 10, mixed("events"))
	tr.awaitDelivered(t, 2000)
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Seeds()...), kgo.DefaultProduceTopic("canary"), kgo.DisableClientMetrics(),
		kgo.ProducerLinger(0), kgo.MetadataMinAge(10*time.Millisecond), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RetryBackoffFn(func(int) time.Duration { return 10 * time.Millisecond }))
	require.NoError(t, err)
	defer cl.Close()
	for round := range 3 {
		leader := c.Leader(t, "events", round)
		var mu sync.Mutex
		first := map[int32]time.Duration{}
		var killed time.Time
		tr.alsoReport(func(r producer.Report) {
			mu.Lock()
			defer mu.Unlock()
			if killed.IsZero() { return }
			if _, ok := first[r.Partition]; !ok && r.Waited < time.Since(killed) { first[r.Partition] = time.Since(killed) }
		})
		var wg sync.WaitGroup
		leader.Kill(t)
		mu.Lock(); killed = time.Now(); mu.Unlock()
		for p := range 6 {
			wg.Add(1)
			cl.Produce(t.Context(), &kgo.Record{Partition: int32(p), Value: []byte("x")}, func(_ *kgo.Record, err error) {
				t.Logf("canary %d: %v %v", p, time.Since(killed).Round(time.Millisecond), err)
				wg.Done()
			})
		}
		tr.flush(t)
		t.Logf("flush %v", time.Since(killed))
		wg.Wait()
		mu.Lock(); t.Log(first); mu.Unlock()
		leader.Start(t)
		t.Logf("started %v", time.Since(killed))
		tr.awaitDelivered(t, 2000)
		t.Logf("delivered %v", time.Since(killed))
	}
	stop()
	x := time.Now()
	tr.settle(t, c, "events")
	t.Log("settle", time.Since(x))
}
