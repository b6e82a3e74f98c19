//go:build linux || darwin

// The benchmarks take their own measure: each runs a fixed amount of work and reports figures per
// record, so they want
// -benchtime 1x (make bench). What they call x is Forebay's figure divided by franz-go's, round by round.
package bench_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/forebay-go/forebay/internal/faultnet"
	"github.com/forebay-go/forebay/producer"
)

const (
	linger     = 10 * time.Millisecond // of both clients
	partitions = 6                     // of each topic
	patience   = time.Minute           // for what should take a second
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client is a producer to be measured.
type client interface {
	name() string
	offer(topic string, value []byte)   // sends a record if there is room for it now
	produce(topic string, value []byte) // sends a record, waiting for room
	flush(b *testing.B)                 // returns when what was accepted is delivered
	// records for which there was no room; exact after flush or settle
	refused() int64
	// waits until refused and held together are all that was offered
	settle(b *testing.B, offered int64)
	requests() float64 // produce requests so far
}

// forebay is Forebay as a client.
type forebay struct {
	*producer.Producer
	// written for a refused record only, so that an accepted one does not pay for it
	refusals atomic.Int64
}

func newForebay(b *testing.B, seeds []string, set func(*producer.Config),
	opts ...producer.Option) *forebay {
	cfg := producer.Config{Clusters: map[string]producer.ClusterConfig{"bench": {Brokers: seeds}}}
	cfg.Batching.Linger = linger
	if set != nil {
		set(&cfg)
	}
	p, err := producer.New(cfg, opts...)
	require.NoError(b, err)
	b.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // what is left over a dead cluster is given up
		if _, err := p.Close(ctx); err != nil {
			require.ErrorIs(b, err, producer.ErrLeft)
		}
	})
	return &forebay{Producer: p}
}

func (f *forebay) name() string { return "forebay" }

func (f *forebay) offer(topic string, value []byte) {
	if f.Send(producer.Record{Topic: topic, Value: value}) != nil {
		f.refusals.Add(1)
	}
}

func (f *forebay) produce(topic string, value []byte) {
	for {
		err := f.Send(producer.Record{Topic: topic, Value: value})
		if err == nil {
			return
		}
		if !errors.Is(err, producer.ErrBufferFull) {
			panic(err) // it would never end
		}
		time.Sleep(time.Millisecond) // what waits takes a hundred times as long
	}
}

func (f *forebay) flush(b *testing.B) {
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	require.NoError(b, f.Flush(ctx))
	s := f.Stats()
	require.Equal(b, s.Total.Accepted, s.Total.Delivered)
}

func (f *forebay) refused() int64 { return f.refusals.Load() }

func (f *forebay) settle(b *testing.B, offered int64) {
	s := f.Stats()
	require.EqualValues(b, offered, int64(s.Total.Pending)+f.refused())
	require.EqualValues(b, f.refused(), s.Refused[producer.ErrBufferFull])
}

func (f *forebay) requests() float64 { s := f.Stats(); return float64(s.Requests) }

// franz is franz-go as a client.
type franz struct {
	*kgo.Client
	refusals atomic.Int64
	failures atomic.Int64
	written  atomic.Int64 // produce requests
	promise  func(*kgo.Record, error)
}

func newFranz(b *testing.B, seeds []string, opts ...kgo.Opt) *franz {
	f := new(franz)
	// shared: a closure for each record would be the caller's own cost
	f.promise = func(_ *kgo.Record, err error) {
		if errors.Is(err, kgo.ErrMaxBuffered) {
			f.refusals.Add(1)
		} else if err != nil {
			f.failures.Add(1)
		}
	}
	base := []kgo.Opt{
		kgo.SeedBrokers(seeds...),
		kgo.ProducerLinger(linger),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.DisableClientMetrics(), // else Close takes a second
		kgo.WithHooks(f),
	}
	cl, err := kgo.NewClient(append(base, opts...)...)
	require.NoError(b, err)
	f.Client = cl
	b.Cleanup(cl.Close)
	return f
}

func (f *franz) name() string { return "franz-go" }

func (f *franz) offer(topic string, value []byte) {
	f.TryProduce(context.Background(), &kgo.Record{Topic: topic, Value: value}, f.promise)
}

func (f *franz) produce(topic string, value []byte) {
	f.Produce(context.Background(), &kgo.Record{Topic: topic, Value: value}, f.promise)
}

func (f *franz) flush(b *testing.B) {
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	require.NoError(b, f.Flush(ctx))
	require.Zero(b, f.failures.Load())
}

func (f *franz) refused() int64 { return f.refusals.Load() }

// settle waits, for the promises of refused records are kept by another goroutine.
func (f *franz) settle(b *testing.B, offered int64) {
	require.Eventually(b, func() bool { return f.BufferedProduceRecords()+f.refused() == offered },
		patience, time.Millisecond)
	require.Zero(b, f.failures.Load())
}

func (f *franz) requests() float64 { return float64(f.written.Load()) }

// OnBrokerWrite counts produce requests. It is a hook of kgo's.
func (f *franz) OnBrokerWrite(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration,
	err error) {
	if key == kmsg.Produce.Int16() && err == nil {
		f.written.Add(1)
	}
}

// newClient returns the client of that name, with connections by dial, and room for whatever a
// benchmark has waiting.
func newClient(b *testing.B, name string, seeds []string, dial faultnet.DialFunc) client {
	if name == "forebay" {
		roomy := func(cfg *producer.Config) { cfg.Buffer.MaxBytes = 512 << 20 }
		return newForebay(b, seeds, roomy, producer.WithDialer(dial))
	}
	return newFranz(b, seeds, kgo.Dialer(dial), kgo.MaxBufferedRecords(1<<21))
}

// nothing is a client that does nothing: what it measures is the machine and the loop around.
type nothing struct{}

func (nothing) name() string             { return "nothing" }
func (nothing) offer(string, []byte)     {}
func (nothing) produce(string, []byte)   {}
func (nothing) flush(*testing.B)         {}
func (nothing) refused() int64           { return 0 }
func (nothing) settle(*testing.B, int64) {}
func (nothing) requests() float64        { return 0 }

// value returns a value of n bytes.
func value(n int) []byte { return bytes.Repeat([]byte("forebay "), n/8+1)[:n] }

// blackhole starts a Kafka in this process that counts records and forgets them.
func blackhole(b *testing.B, topics ...string) []string {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, topics...),
		kfake.BlackholeProduce())
	require.NoError(b, err)
	b.Cleanup(c.Close)
	return c.ListenAddrs()
}

// dial opens a connection.
var dial = new(net.Dialer).DialContext

// deadSeeds are the brokers of a cluster that is away, and refused is what the kernel says of them.
var deadSeeds = []string{"127.0.0.1:9092"}

func refused(ctx context.Context, network, addr string) (net.Conn, error) {
	l := faultnet.New(dial)
	l.Cut()
	return l.Dial(ctx, network, addr)
}

// logged returns how many records are in the logs of topics, as a client says that is neither of
// those measured.
func logged(b *testing.B, seeds []string, topics ...string) int64 {
	cl, err := kgo.NewClient(kgo.SeedBrokers(seeds...), kgo.DisableClientMetrics())
	require.NoError(b, err)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	ends, err := kadm.NewClient(cl).ListEndOffsets(ctx, topics...)
	require.NoError(b, err)
	require.NoError(b, ends.Error())
	sum := int64(0)
	ends.Each(func(o kadm.ListedOffset) { sum += o.Offset })
	return sum
}

// pace calls step every millisecond, for n times. Steps that could not be made in time follow at
// once.
func pace(n int, step func(i int)) {
	next := time.Now()
	for i := range n {
		time.Sleep(time.Until(next))
		step(i)
		next = next.Add(time.Millisecond)
	}
}

// processTime returns the processor time, of user and system, that the process has taken, in
// nanoseconds. The kernel may count it in ticks, so it is for what takes a second.
func processTime(b *testing.B) float64 {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return float64(u.Utime.Nano() + u.Stime.Nano())
}

// threadTime returns the processor time of the calling thread, in nanoseconds.
func threadTime(b *testing.B) float64 { return cpuTime(b, unix.CLOCK_THREAD_CPUTIME_ID) }

// cpuTime returns processor time in nanoseconds by a clock that is good for a millisecond.
func cpuTime(b *testing.B, clock int32) float64 {
	var t unix.Timespec
	require.NoError(b, unix.ClockGettime(clock, &t))
	return float64(t.Nano())
}

// spread is what a figure was in each round.
type spread []float64

func (s spread) median() float64 { return s.quantile(0.5) }

// quantile returns the smallest figure that a share of q of all does not exceed.
func (s spread) quantile(q float64) float64 {
	sorted := slices.Sorted(slices.Values(s))
	return sorted[min(len(s)-1, max(0, int(math.Ceil(q*float64(len(s))))-1))]
}

// over returns the ratios to other, round by round.
func (s spread) over(other spread) spread {
	ratios := make(spread, len(s))
	for i := range s {
		ratios[i] = s[i] / other[i]
	}
	return ratios
}

func (s spread) String() string {
	return fmt.Sprintf("%.3g (%.3g–%.3g)", s.median(), slices.Min(s), slices.Max(s))
}
