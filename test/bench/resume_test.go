//go:build linux || darwin

package bench_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/internal/faultnet"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/kafkatest"
)

const (
	restarts     = 10
	outage       = 5 * time.Second
	drainRounds  = 5
	drainRecords = 500_000
)

// BenchmarkResume is how soon a client delivers again after its only broker was killed and came
// back, counted from the moment when Kafka acknowledges a record of somebody else, who tries all
// the time.
func BenchmarkResume(b *testing.B) {
	kafka := kafkatest.Start(b)
	for topic, n := range map[string]int{"forebay": partitions, "franz-go": partitions,
		"other": 1} {
		kafka.CreateTopic(b, topic, n)
	}
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	topics, err := kafka.Admin(b).ListTopics(ctx, "other")
	require.NoError(b, err)
	var first [2]comeback
	ours := newForebay(b, kafka.Seeds(),
		func(cfg *producer.Config) { cfg.Buffer.MaxBytes = 256 << 20 },
		producer.WithDelivery(func(r producer.Report) {
			if r.Outcome == producer.Delivered {
				first[0].delivered()
			}
		}))
	theirs := newFranz(b, kafka.Seeds(), kgo.MaxBufferedRecords(1<<20))
	theirs.promise = func(_ *kgo.Record, err error) {
		if err == nil {
			first[1].delivered()
		} else {
			theirs.failures.Add(1)
		}
	}
	stop := stream(func() {
		ours.offer("forebay", value(100))
		theirs.offer("franz-go", value(100))
	})
	defer stop()

	var after [2]spread // milliseconds
	for range restarts {
		time.Sleep(2 * time.Second) // all is well
		kafka.Broker(0).Kill(b)
		time.Sleep(outage)
		for i := range first {
			first[i].arm()
		}
		reference := acknowledged(b, kafka, topics["other"].ID)
		kafka.Broker(0).StartAsync(b)
		began := <-reference
		for i := range first {
			require.Eventually(b, func() bool { return !first[i].at().IsZero() }, patience,
				time.Millisecond)
			after[i] = append(after[i], float64(first[i].at().Sub(began).Microseconds())/1000)
		}
	}
	sent := stop()
	for i, c := range []client{ours, theirs} {
		c.flush(b)
		require.Zero(b, c.refused())
		// more if an answer was lost for good
		require.GreaterOrEqual(b, logged(b, kafka.Seeds(), c.name()), sent)
		b.ReportMetric(after[i].quantile(0), c.name()+"-min-ms")
		b.ReportMetric(after[i].median(), c.name()+"-median-ms")
		b.ReportMetric(after[i].quantile(1), c.name()+"-max-ms")
		b.Logf("%s: %.0f ms", c.name(), after[i])
	}
	b.ReportMetric(0, "ns/op") // the time of all of it says nothing
}

// comeback notes the first delivery after arm.
type comeback struct {
	mu    sync.Mutex // guards what follows
	armed bool
	first time.Time
}

func (c *comeback) arm() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed, c.first = true, time.Time{}
}

func (c *comeback) delivered() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.armed {
		c.armed, c.first = false, time.Now()
	}
}

func (c *comeback) at() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.first
}

// stream calls send every millisecond until stop, which returns how often. It may be called twice.
func stream(send func()) (stop func() int64) {
	quit, done := make(chan struct{}), make(chan struct{})
	var sent atomic.Int64
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				send()
				sent.Add(1)
			}
		}
	}()
	return sync.OnceValue(func() int64 {
		close(quit)
		<-done
		return sent.Load()
	})
}

// acknowledged writes a record to the broker every 10 ms, each time on a new connection and without
// asking about leaders first, and sends the time when one was acknowledged.
func acknowledged(b *testing.B, kafka *kafkatest.Cluster, topic kadm.TopicID) <-chan time.Time {
	at := make(chan time.Time, 1) // sent once; never closed
	try := func() error {
		cl, err := kgo.NewClient(kgo.SeedBrokers(kafka.Seeds()...), kgo.DisableClientMetrics())
		if err != nil {
			return err
		}
		defer cl.Close()
		ctx, cancel := context.WithTimeout(b.Context(), 500*time.Millisecond)
		defer cancel()
		resp, err := cl.SeedBrokers()[0].Request(ctx,
			kafkatest.ProduceOne("other", topic, value(100)))
		if err != nil {
			return err
		}
		return kerr.ErrorForCode(resp.(*kmsg.ProduceResponse).Topics[0].Partitions[0].ErrorCode)
	}
	go func() {
		for try() != nil && b.Context().Err() == nil {
			time.Sleep(10 * time.Millisecond)
		}
		at <- time.Now()
	}()
	return at
}

// BenchmarkDrain is how fast what has piled up in an outage is delivered, as a share of the rate at
// which the same process delivers to the same broker when all is well and records are sent as fast
// as it takes them. After a restart the broker, a Java program, is slow at first: it is then
// compared with one that has just been restarted too.
func BenchmarkDrain(b *testing.B) {
	b.Run("link-cut", func(b *testing.B) {
		kafka := kafkatest.Start(b)
		link := faultnet.New(dial)
		benchDrain(b, kafka, link.Dial, link.Cut, link.Restore)
	})
	b.Run("broker-restarted", func(b *testing.B) {
		kafka := kafkatest.Start(b)
		broker := kafka.Broker(0)
		benchDrain(b, kafka, dial, func() { broker.Kill(b) }, func() { broker.Start(b) })
	})
}

func benchDrain(b *testing.B, kafka *kafkatest.Cluster, dial faultnet.DialFunc, begin, end func()) {
	kafka.CreateTopic(b, "events", partitions, kafkatest.TopicConfig("retention.bytes", "33554432"))
	p := newForebay(b, kafka.Seeds(),
		func(cfg *producer.Config) { cfg.Buffer.MaxBytes = 256 << 20 }, producer.WithDialer(dial))
	record := value(100)
	p.offer("events", record)
	p.flush(b)
	send := func() {
		for range drainRecords {
			p.offer("events", record)
		}
	}
	var healthy, drained spread // records a second
	for range drainRounds {
		begin()
		time.Sleep(outage)
		end()
		p.offer("events", record)
		p.flush(b) // all is well
		rate := rateOf(b, p)
		send()
		healthy = append(healthy, rate())

		begin()
		send()
		time.Sleep(outage)
		require.EqualValues(b, drainRecords, p.Stats().Total.Pending)
		rate = rateOf(b, p)
		end()
		drained = append(drained, rate())
	}
	p.flush(b)
	require.Zero(b, p.refused())
	require.EqualValues(b, 1+drainRounds*(1+2*drainRecords), logged(b, kafka.Seeds(), "events"))
	x := drained.over(healthy)
	b.ReportMetric(0, "ns/op") // the time of all of it says nothing
	b.ReportMetric(x.median(), "x-healthy")
	b.ReportMetric(drained.median(), "drained-records/s")
	b.ReportMetric(healthy.median(), "healthy-records/s")
	b.Logf("drained %v records a second, healthy %v, the one divided by the other %v", drained,
		healthy, x)
}

// rateOf watches the next drainRecords being delivered. What it returns waits for the last of them,
// and returns how many were delivered a second from when the first were.
func rateOf(b *testing.B, p *forebay) func() float64 {
	before := p.Stats().Total.Delivered
	rate := make(chan float64, 1) // sent once; never closed
	go func() {
		var first time.Time
		count := uint64(0)
		for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			switch n := p.Stats().Total.Delivered - before; {
			case n == drainRecords:
				rate <- float64(n-count) / time.Since(first).Seconds()
				return
			case n > 0 && first.IsZero():
				first, count = time.Now(), n
			}
		}
		rate <- 0
	}()
	return func() float64 {
		r := <-rate
		require.Positive(b, r)
		return r
	}
}
