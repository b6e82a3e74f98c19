//go:build linux || darwin

package bench_test

import (
	"context"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sys/unix"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
	"github.com/forebay-go/forebay/test/kafkatest"
)

const (
	burstBytes  = 2_000_000 // of values; a few milliseconds
	burstRounds = 100

	refusedCalls = 1_000_000

	latencyMillis = 5_000 // for each histogram
	latencyCalls  = 10    // in each of them
)

var sizes = []struct {
	name  string
	bytes int
}{{"100B", 100}, {"1KiB", 1 << 10}}

// BenchmarkSend is the cost of an accepted record: bursts into an empty buffer, which is drained
// between them untimed. Nothing is written during a burst, so it competes with nobody but the
// client itself.
func BenchmarkSend(b *testing.B) {
	for _, size := range sizes {
		for _, name := range []string{"forebay", "franz-go"} {
			b.Run(size.name+"/"+name+"/1", func(b *testing.B) { benchSend(b, name, size.bytes, 1) })
			b.Run(size.name+"/"+name+"/parallel",
				func(b *testing.B) { benchSend(b, name, size.bytes, runtime.GOMAXPROCS(0)) })
		}
	}
}

func benchSend(b *testing.B, name string, size, workers int) {
	var g gate
	seeds := blackhole(b, "events")
	c := newClient(b, name, seeds, g.dial)
	record, n := value(size), burstBytes/size/workers*workers
	var wall, thread, allocs, heap spread
	for round := range burstRounds + 1 {
		var before, after runtime.MemStats
		g.Lock()
		runtime.ReadMemStats(&before)
		took, used := burst(b, c, record, n, workers)
		runtime.ReadMemStats(&after)
		g.Unlock()
		if round > 0 { // the first finds out where the partitions are
			wall = append(wall, float64(took)/float64(n))
			thread = append(thread, used/float64(n))
			allocs = append(allocs, float64(after.Mallocs-before.Mallocs)/float64(n))
			heap = append(heap, float64(after.TotalAlloc-before.TotalAlloc)/float64(n))
		}
		c.flush(b)
		time.Sleep(time.Millisecond) // for what follows an answer
	}
	offered := int64((burstRounds + 1) * n)
	accepted := offered - c.refused()
	require.Equal(b, accepted, logged(b, seeds, "events"))
	b.ReportAllocs()
	b.ReportMetric(wall.median(), "ns/op")
	b.ReportMetric(allocs.median(), "allocs/op")
	b.ReportMetric(heap.median(), "B/op")
	b.ReportMetric(100*float64(accepted)/float64(offered), "%accepted")
	b.Logf("%v ns; allocations of the whole process: %v, of %v bytes", wall, allocs, heap)
	if workers == 1 {
		b.ReportMetric(thread.median(), "cpu-ns/op")
		b.Logf("%v ns of processor time of the calling thread", thread)
	}
}

// BenchmarkSendManyGoroutines is what sixteen goroutines that send to one topic cost beside one, in
// processor time of the process: waiting for a lock costs nothing, but taking turns does.
func BenchmarkSendManyGoroutines(b *testing.B) {
	const rounds, records, many = 21, 160_000, 16
	var g gate
	seeds := blackhole(b, "events")
	c := newClient(b, "forebay", seeds, g.dial)
	used := make(map[int]spread)
	full := make(map[int]spread)
	for round := range rounds {
		for _, workers := range []int{1, many} {
			requests := c.requests()
			g.Lock()
			before := cpuTime(b, unix.CLOCK_PROCESS_CPUTIME_ID)
			burst(b, c, value(100), records, workers)
			spent := cpuTime(b, unix.CLOCK_PROCESS_CPUTIME_ID) - before
			g.Unlock()
			c.flush(b)
			if round > 0 {
				used[workers] = append(used[workers], spent/records)
				full[workers] = append(full[workers], records*100/(c.requests()-requests))
			}
		}
	}
	require.Zero(b, c.refused())
	ratio := used[many].over(used[1])
	b.ReportMetric(used[1].median(), "cpu-ns/op")
	b.ReportMetric(ratio.median(), "x")
	b.Logf("%v ns of processor time with one goroutine, %v with %d: x %v", used[1], used[many],
		many, ratio)
	b.Logf("%v bytes of values in a request with one, %v with %d", full[1], full[many], many)
}

// gate is a dialer. While its lock is held nothing is written to its connections.
type gate struct{ sync.RWMutex }

func (g *gate) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := dial(ctx, network, addr)
	return &gated{conn, g}, err
}

type gated struct {
	net.Conn
	gate *gate
}

func (c *gated) Write(p []byte) (int, error) {
	c.gate.RLock()
	defer c.gate.RUnlock()
	return c.Conn.Write(p)
}

// burst sends n records and returns the time that took and, with one worker, the processor time of
// its thread.
func burst(b *testing.B, c client, record []byte, n, workers int) (took time.Duration,
	used float64) {
	if workers == 1 {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		before, begin := threadTime(b), time.Now()
		for range n {
			c.offer("events", record)
		}
		took = time.Since(begin)
		return took, threadTime(b) - before
	}
	var ready, done sync.WaitGroup
	start := make(chan struct{}) // closed when all are ready
	for range workers {
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-start
			for range n / workers {
				c.offer("events", record)
			}
		})
	}
	ready.Wait()
	begin := time.Now()
	close(start)
	done.Wait()
	return time.Since(begin), 0
}

// small returns a client over a cluster that is away, whose buffer a few thousand records of 100
// bytes fill.
func small(b *testing.B, name string) client {
	if name == "forebay" {
		return newForebay(b, deadSeeds, func(cfg *producer.Config) {
			cfg.Buffer.MaxBytes = 1 << 20
			cfg.Batching.MaxBytes = 64 << 10
		}, producer.WithDialer(refused))
	}
	return newFranz(b, deadSeeds, kgo.Dialer(refused), kgo.MaxBufferedRecords(5000))
}

// fill fills the buffer of a small client and returns how many records were offered.
func fill(b *testing.B, c client, record []byte) int64 {
	const offered = 20_000
	for range offered {
		c.offer("events", record)
	}
	c.settle(b, offered)
	require.Greater(b, c.refused(), int64(offered/4))
	return offered
}

// BenchmarkSendRefused is the cost of a record for which there is no room, over a cluster that is
// away.
func BenchmarkSendRefused(b *testing.B) {
	for _, name := range []string{"forebay", "franz-go"} {
		b.Run(name, func(b *testing.B) {
			c, record := small(b, name), value(100)
			offered, refused := fill(b, c, record), c.refused()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begin := time.Now()
			for range refusedCalls {
				c.offer("events", record)
			}
			took := time.Since(begin)
			runtime.ReadMemStats(&after)
			c.settle(b, offered+refusedCalls)
			b.ReportAllocs()
			b.ReportMetric(float64(took)/refusedCalls, "ns/op")
			b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/refusedCalls, "B/op")
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/refusedCalls, "allocs/op")
			b.ReportMetric(100*float64(c.refused()-refused)/refusedCalls, "%refused")
		})
	}
}

// BenchmarkSendLatency is how long single calls take, at 10,000 of them a second, beside a call
// that does nothing: what that one shows is the machine's doing.
func BenchmarkSendLatency(b *testing.B) {
	const calls = latencyMillis * latencyCalls
	record := value(100)
	b.Run("up", func(b *testing.B) {
		kafka := kafkatest.Start(b)
		kafka.CreateTopic(b, "events", partitions)
		seeds := kafka.Seeds()
		each(b, func(b *testing.B, name string) {
			c, before := newClient(b, name, seeds, dial), logged(b, seeds, "events")
			c.offer("events", record)
			c.flush(b)
			benchLatency(b, c, record)
			c.flush(b)
			require.EqualValues(b, before+1+calls, logged(b, seeds, "events"))
			require.Zero(b, c.refused())
		})
	})
	b.Run("away", func(b *testing.B) {
		each(b, func(b *testing.B, name string) {
			c := newClient(b, name, deadSeeds, refused)
			benchLatency(b, c, record)
			c.settle(b, calls)
			require.Zero(b, c.refused())
		})
	})
	b.Run("full", func(b *testing.B) {
		each(b, func(b *testing.B, name string) {
			c := small(b, name)
			offered, refused := fill(b, c, record), c.refused()
			benchLatency(b, c, record)
			c.settle(b, offered+calls)
			require.EqualValues(b, calls, c.refused()-refused)
		})
	})
}

// each runs f for both clients, and then times calls of nothing.
func each(b *testing.B, f func(b *testing.B, name string)) {
	for _, name := range []string{"forebay", "franz-go"} {
		b.Run(name, func(b *testing.B) { f(b, name) })
	}
	b.Run("nothing", func(b *testing.B) { benchLatency(b, nothing{}, nil) })
}

func benchLatency(b *testing.B, c client, record []byte) {
	took := make(spread, 0, latencyMillis*latencyCalls)
	runtime.GC() // of what others left
	pace(latencyMillis, func(int) {
		for range latencyCalls {
			begin := time.Now()
			c.offer("events", record)
			took = append(took, float64(time.Since(begin)))
		}
	})
	b.ReportMetric(0, "ns/op") // the time of all of it says nothing
	b.ReportMetric(took.quantile(0.5), "p50-ns")
	b.ReportMetric(took.quantile(0.99), "p99-ns")
	b.ReportMetric(took.quantile(0.999), "p99.9-ns")
	b.ReportMetric(took.quantile(1)/1000, "max-µs")
}

// BenchmarkSendAtHighWater is how long calls of high priority take while low holds all the memory,
// gives it up batch by batch, and takes between any two calls what it can get again; beside calls
// that find room, in turns in one run. The cluster is away.
func BenchmarkSendAtHighWater(b *testing.B) {
	const rounds, calls = 20, 20_000
	record := value(100)
	var plain, scarce []spread
	for range rounds {
		plain = append(plain, benchHigh(b, record, calls, func(*forebay) {}))
		scarce = append(scarce, benchHigh(b, record, calls, func(f *forebay) {
			for f.Send(producer.Record{Topic: "low", Priority: routing.Low, Value: record}) == nil {
			}
		}))
	}
	b.ReportMetric(0, "ns/op")
	for _, q := range []struct {
		name string
		q    float64
	}{{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}} {
		of := func(rounds []spread) (all spread) {
			for _, r := range rounds {
				all = append(all, r.quantile(q.q))
			}
			return all
		}
		b.ReportMetric(of(plain).median(), "plain-"+q.name+"-ns")
		b.ReportMetric(of(scarce).median(), "full-"+q.name+"-ns")
		b.ReportMetric(of(scarce).over(of(plain)).median(), q.name+"-x")
		b.Logf("%s: %v ns with room, %v ns without", q.name, of(plain), of(scarce))
	}
}

// benchHigh returns how long each call of high priority takes, with fill called before it.
func benchHigh(b *testing.B, record []byte, calls int, fill func(*forebay)) spread {
	f := newForebay(b, deadSeeds, func(cfg *producer.Config) { cfg.Buffer.MaxBytes = 64 << 20 },
		producer.WithDialer(refused))
	fill(f)
	full := f.Stats().HeldBytes > 63<<20
	runtime.GC() // of what others left
	took := make(spread, 0, calls)
	for range calls {
		fill(f)
		begin := time.Now()
		err := f.Send(producer.Record{Topic: "high", Priority: routing.High, Value: record})
		took = append(took, float64(time.Since(begin)))
		if err != nil {
			b.Fatal(err)
		}
	}
	s := f.Stats()
	require.Equal(b, full, s.Total.Lost(producer.ReasonPreemptedByHigh) > 0)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, _ = f.Close(ctx)
	return took
}
