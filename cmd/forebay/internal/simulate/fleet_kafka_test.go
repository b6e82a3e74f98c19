//go:build unix && soak

package simulate

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/cmd/forebay/internal/calibrate"
	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
	"github.com/forebay-go/forebay/internal/proctime"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/kafkatest"
)

// real is a fleet of producers that send as a fleet file says, with records in topics of real
// brokers.
type real struct {
	fleet     fleet.Fleet
	topics    []string
	producers []*producer.Producer
	link      *link
	sending   sync.WaitGroup
}

// newReal starts a fleet. It sends until the test ends.
func newReal(t *testing.T, cluster *kafkatest.Cluster, p *fleet.Plan, link *link) *real {
	r := &real{fleet: p.Fleet(), link: link}
	entry := &r.fleet.Topics[0]
	for i := range entry.Count {
		r.topics = append(r.topics, fmt.Sprintf("%s-%d", kafkatest.TopicName(t), i))
		cluster.CreateTopic(t, r.topics[i], entry.Partitions, kafkatest.Replication(entry.Replicas))
	}
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(func() {
		stop()
		r.sending.Wait()
		for _, p := range r.producers {
			p.Close(ctx)
		}
	})
	s := &r.fleet.Settings
	for i := range r.fleet.Instances {
		p, err := producer.New(producer.Config{
			Clusters: map[string]producer.ClusterConfig{"c": {Brokers: cluster.Seeds()}},
			Batching: producer.BatchingConfig{Linger: s.Linger, MaxLinger: s.MaxLinger,
				MaxBytes: int(s.BatchBytes)},
		}, producer.WithDialer(link.Dial))
		require.NoError(t, err)
		r.producers = append(r.producers, p)
		r.sending.Go(func() { r.send(ctx, p, uint64(i), entry) })
	}
	return r
}

// send sends the records of one instance as a Poisson process.
func (r *real) send(ctx context.Context, p *producer.Producer, seed uint64, entry *fleet.Topic) {
	random := rand.New(rand.NewPCG(seed, 1))
	value := make([]byte, entry.RecordBytes)
	began, due := time.Now(), 0.0
	for {
		due += random.ExpFloat64() / entry.InstanceRecordsPerSecond
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(due*float64(time.Second)) - time.Since(began)):
		}
		_ = p.Send(producer.Record{Topic: r.topics[random.IntN(len(r.topics))], Value: value})
	}
}

// totals sums up what the producers have done.
func (r *real) totals() (requests, pending float64) {
	for _, p := range r.producers {
		s := p.Stats()
		requests += float64(s.Requests)
		pending += float64(s.Total.Pending)
	}
	return requests, pending
}

// empty waits until each producer has less than some records left, and returns when each had. It
// gives up after a minute.
func (r *real) empty(least uint64) (at []float64) {
	began := time.Now()
	left := slices.Clone(r.producers)
	for len(left) > 0 && time.Since(began) < time.Minute {
		time.Sleep(20 * time.Millisecond)
		left = slices.DeleteFunc(left, func(p *producer.Producer) bool {
			if p.Stats().Total.Pending > least {
				return false
			}
			at = append(at, time.Since(began).Seconds())
			return true
		})
	}
	return at
}

// compared is a figure of a real fleet and of a simulated one.
type compared struct {
	what                        string
	measured, simulated, within float64
}

// outage measures a fleet that is well, cuts its link for a while, and has it recover.
func (r *real) outage(s *Result, away time.Duration) []compared {
	perSecond := func(from, to int, of func(*Second) float64) float64 {
		return s.mean(from, to, of) * float64(r.fleet.Brokers)
	}
	before, _ := r.totals()
	began := time.Now()
	time.Sleep(8 * time.Second)
	after, _ := r.totals()
	requests := (after - before) / time.Since(began).Seconds()

	r.link.set(true)
	_, tried := r.link.seen()
	began = time.Now()
	time.Sleep(away)
	_, attempts := r.link.seen()
	lasted := time.Since(began).Seconds()
	_, pending := r.totals()
	r.link.set(false)
	at := r.empty(10)
	from, to := int(s.Outage.From), int(s.Outage.To)
	return []compared{
		{"requests/s", requests,
			perSecond(10, from, func(s *Second) float64 { return s.Requests.Mean }), 0.15},
		{"attempts/s to connect", float64(attempts-tried) / lasted,
			perSecond(from, to, func(s *Second) float64 { return s.Attempts.Mean }), 0.25},
		{"records that wait", pending, s.Timeline[to-1].Backlog / 1009, 0.15},
		{"seconds until the first instance has sent its backlog", at[0], s.Drain.First, 0.5},
		{"seconds until the last one has", at[len(at)-1], s.Drain.Last, 0.35},
	}
}

// agrees logs a comparison, and reports whether it is close.
func (c *compared) agrees(t *testing.T) bool {
	off := c.simulated/c.measured - 1
	t.Logf("%s: %.1f, simulated %.1f (%+.0f %%)", c.what, c.measured, c.simulated, 100*off)
	return math.Abs(off) <= c.within
}

// A fleet of twenty producers on three real brokers makes the requests that the simulation says,
// and so it goes in an outage: attempts to connect, backlog, and how long it takes to drain. The
// link to each broker, not the machine, limits how fast that is. A machine that stalls spoils an
// outage or two, and a simulation that is wrong all of them.
func TestKafka_AFleetOfTwentyIsAsSimulated(t *testing.T) {
	t.Parallel()
	const away, outages = 12 * time.Second, 4
	p := planOf(t, "{instances: 20, brokers: 3, outage: 12s, "+unlimited+
		"settings: {linger: 200ms, batch_bytes: 20kB}, "+
		"broker: {produce_bytes_per_second: 500kB}, topics: [{instance_records_per_second: 20, "+
		"record_bytes: 1000, replicas: 1}]}")
	simulated, err := Run(p, away+3*time.Minute)
	require.NoError(t, err)
	r := newReal(t, kafkatest.SharedTrio(t), p,
		newLink(float64(p.Fleet().Broker.ProduceBytesPerSecond)))
	time.Sleep(3 * time.Second)
	for range outages {
		agree := true
		for _, c := range r.outage(simulated, away) {
			agree = c.agrees(t) && agree
		}
		if agree {
			return
		}
	}
	require.Fail(t, "no outage was as simulated")
}

var processor = flag.Bool("processor", false, "compare processor times of brokers too: calibrate "+
	"with them, and play a fleet beside a real one; takes eight minutes of a quiet machine")

// TestKafka_ProcessorTimes does what its flag says, and nothing without it:
//
//	go test -tags soak -run TestKafka_ProcessorTimes -v -processor ./internal/simulate
func TestKafka_ProcessorTimes(t *testing.T) {
	if !*processor {
		t.Skip("-processor asks for it")
	}
	cluster := kafkatest.Start(t, kafkatest.Brokers(3), kafkatest.Heap(1024))
	var pids []int
	for _, broker := range cluster.Brokers() {
		pids = append(pids, broker.PID())
	}
	c, err := calibrate.Run(t.Context(), calibrate.Options{Brokers: cluster.Seeds(), PIDs: pids,
		Window: 5 * time.Second, Progress: io.Discard})
	require.NoError(t, err)
	for i, text := range []string{
		"settings: {linger: 20ms}, topics: [{count: 4, instance_records_per_second: 50, record_bytes: 1000, partitions: 12, replicas: 1}]",
		"settings: {linger: 20ms}, topics: [{count: 4, instance_records_per_second: 50, record_bytes: 1000, partitions: 12, replicas: 2}]",
		"settings: {linger: 10ms, max_linger: 200ms}, topics: [{count: 4, instance_records_per_second: 50, record_bytes: 1000, partitions: 12, replicas: 2}]",
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			f, err := fleet.Parse("f", []byte("{instances: 20, brokers: 3, outage: 0, "+text+"}"))
			require.NoError(t, err)
			p := fleet.Make(f, c)
			s, err := Run(p, 3*time.Minute)
			require.NoError(t, err)
			r := newReal(t, cluster, p, newLink(0))
			cpu := func() (sum time.Duration) {
				for _, pid := range pids {
					d, err := proctime.Of(pid)
					require.NoError(t, err)
					sum += d
				}
				return sum
			}
			time.Sleep(70 * time.Second) // it asks for metadata in turn, to learn how far brokers are
			before, _ := r.totals()
			spent, began := cpu(), time.Now()
			time.Sleep(15 * time.Second)
			after, _ := r.totals()
			took := time.Since(began).Seconds()
			open, _ := r.link.seen()
			t.Logf("%s: requests/s %.0f, simulated %.0f; cores %.2f, simulated %.2f; "+
				"connections %d, simulated %.0f", text,
				(after-before)/took, 3*s.mean(10, 60, func(s *Second) float64 { return s.Requests.Mean }),
				(cpu()-spent).Seconds()/took,
				3*s.mean(10, 60, func(s *Second) float64 { return s.Cores.Mean }), open,
				3*s.mean(10, 60, func(s *Second) float64 { return s.Conns.Mean }))
		})
	}
}
