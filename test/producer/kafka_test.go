//go:build unix

package producer_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/internal/faultnet"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/kafkatest"
	"github.com/forebay-go/forebay/test/ledger"
	"github.com/forebay-go/forebay/test/proof"
)

// The tests in kafka*_test.go run on real Kafka. Each reads the log back with a client that is not
// ours, and a ledger compares that with what was sent and reported.

const (
	outage   = 10 * time.Second // how long brokers are away
	patience = time.Minute      // for what must happen in the end, however slow the machine is
	// Send takes less: one that waits for Kafka takes as long as an outage, and one that does not
	// takes what a busy machine does, which has been 0.8 s.
	atOnce = outage / 2
)

// trial is a producer whose every record the ledger knows.
type trial struct {
	*producer.Producer
	ledger *ledger.Ledger

	// above is added to the partitions of some clusters by their name: to the ledger those of a
	// fallback are other ones. It is set before anything is sent.
	above map[string]int32

	quit, done chan struct{} // of observe: quit is closed by close, done by observe
	quitOnce   sync.Once

	mu       sync.Mutex // guards what follows
	also     []func(producer.Report)
	unsound  string // the first snapshot that broke a promise which holds at every instant
	observed int
}

// try makes a producer and closes it at the end of the test, if that has not done it.
func try(t *testing.T, cfg producer.Config, opts ...producer.Option) *trial {
	tr := &trial{ledger: ledger.New(), quit: make(chan struct{}), done: make(chan struct{})}
	p, err := producer.New(cfg, append(opts, producer.WithDelivery(tr.report))...)
	require.NoError(t, err)
	tr.Producer = p
	go tr.observe()
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, _ = p.Close(ctx)
		tr.endObserve()
	})
	return tr
}

// to configures a producer that sends everything to c.
func to(c *kafkatest.Cluster, change ...func(*producer.Config)) producer.Config {
	cfg := producer.Config{Clusters: map[string]producer.ClusterConfig{"events": {Brokers: c.Seeds()}}}
	for _, fn := range change {
		fn(&cfg)
	}
	return cfg
}

// newLink returns a link that can be cut between a producer and its brokers.
func newLink() *faultnet.Link { return faultnet.New(new(net.Dialer).DialContext) }

// alsoReport has fn called too with every report from now on, before the ledger gets it.
func (tr *trial) alsoReport(fn func(producer.Report)) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.also = append(slices.Clip(tr.also), fn)
}

func (tr *trial) report(r producer.Report) {
	tr.mu.Lock()
	also := tr.also
	tr.mu.Unlock()
	for _, fn := range also {
		fn(r)
	}
	if r.Outcome == producer.Delivered {
		r.Partition += tr.above[r.Cluster]
	}
	tr.ledger.Report(r)
}

// observe checks what must hold at every instant.
func (tr *trial) observe() {
	defer close(tr.done)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tr.quit:
			return
		case <-tick.C:
		}
		s := tr.Stats()
		tr.mu.Lock()
		tr.observed++
		if tr.unsound == "" && (!s.Total.Balanced() || s.HeldBytes > s.MaxBytes) {
			tr.unsound = fmt.Sprintf("%+v, %d bytes held of %d", s.Total, s.HeldBytes, s.MaxBytes)
		}
		tr.mu.Unlock()
	}
}

func (tr *trial) endObserve() {
	tr.quitOnce.Do(func() { close(tr.quit) })
	<-tr.done
}

// send sends a record that must be accepted.
func (tr *trial) send(t *testing.T, rec producer.Record) {
	t.Helper()
	require.NoError(t, tr.ledger.Send(tr.Producer, rec))
}

// stream sends n records every two milliseconds until the function that it returns is called.
func (tr *trial) stream(t *testing.T, n int, record func(i int) producer.Record) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i += n {
			for j := range n {
				if !assert.NoError(t, tr.ledger.Send(tr.Producer, record(i+j))) {
					return
				}
			}
			select {
			case <-quit:
				return
			case <-tick.C:
			}
		}
	}()
	stop = sync.OnceFunc(func() {
		close(quit)
		<-done
	})
	t.Cleanup(stop)
	return stop
}

// mixed makes every third record one of seven keys, the others un-keyed.
func mixed(topic string) func(int) producer.Record {
	return func(i int) producer.Record {
		rec := producer.Record{Topic: topic, Value: make([]byte, 20+i%200)}
		if i%3 == 0 {
			rec.Key = fmt.Append(nil, "key-", i%7)
		}
		return rec
	}
}

// await waits until ok is true of the statistics.
func (tr *trial) await(t *testing.T, what string, ok func(s *producer.Stats) bool) {
	t.Helper()
	require.Eventually(t, func() bool {
		s := tr.Stats()
		return ok(&s)
	}, patience, 5*time.Millisecond, what)
}

// awaitDelivered waits until n more records are delivered than were at the time of the call.
func (tr *trial) awaitDelivered(t *testing.T, n uint64) {
	t.Helper()
	before := tr.Stats().Total.Delivered
	tr.await(t, "nothing is delivered",
		func(s *producer.Stats) bool { return s.Total.Delivered >= before+n })
}

func (tr *trial) flush(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, tr.Flush(ctx))
}

// close closes the producer, for which all that it holds must be delivered or rejected.
func (tr *trial) close(t *testing.T) producer.Summary {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s, err := tr.Close(ctx)
	require.NoError(t, err)
	return s
}

// read reads topics back for the ledger. It checks the order in each topic, so its count of
// partitions must not have changed.
func (tr *trial) read(t *testing.T, c *kafkatest.Cluster, topics ...string) []*kgo.Record {
	t.Helper()
	var log []*kgo.Record
	for _, topic := range topics {
		log = append(log, c.Read(t, topic)...)
	}
	tr.ledger.Read(log...)
	tr.ledger.Ordered(log)
	return log
}

// judge fails t unless the ledger agrees with the books, after close and read.
func (tr *trial) judge(t *testing.T) {
	t.Helper()
	tr.endObserve()
	s := tr.Stats()
	require.Empty(t, tr.ledger.Check(s.Total))
	require.Equal(t, s.Total.Refused, s.Refused[producer.ErrBufferFull])
	require.Zero(t, s.ReportsDropped)
	require.Empty(t, tr.unsound, "after %d observations", tr.observed)
}

// settle is close, read and judge, where everything must have been delivered.
func (tr *trial) settle(t *testing.T, c *kafkatest.Cluster, topics ...string) []*kgo.Record {
	t.Helper()
	summary := tr.close(t)
	require.Equal(t, summary.Accepted, summary.Delivered, summary.String())
	log := tr.read(t, c, topics...)
	tr.judge(t)
	twice := uint64(len(log)) - summary.Accepted
	t.Logf("%d delivered; %d counted as maybe duplicated, %d there twice; longest Send %v",
		summary.Delivered, tr.Stats().Total.MaybeDuplicated, twice, tr.ledger.LongestSend())
	return log
}

// settleOnce is settle where nothing may be there twice, counted or not.
func (tr *trial) settleOnce(t *testing.T, c *kafkatest.Cluster, topics ...string) []*kgo.Record {
	t.Helper()
	log := tr.settle(t, c, topics...)
	require.Zero(t, tr.Stats().Total.MaybeDuplicated)
	require.Len(t, log, int(tr.ledger.Accepted()))
	return log
}

// otherClient returns a client that is not ours and that tries again as fast as it can.
func otherClient(t *testing.T, c *kafkatest.Cluster) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Seeds()...), kgo.DisableClientMetrics(),
		kgo.ProducerLinger(0),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(10*time.Millisecond),
		kgo.RetryBackoffFn(func(int) time.Duration { return 10 * time.Millisecond }))
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	return cl
}

// requireTaken waits until records of another client are acknowledged: Kafka takes them by then.
func requireTaken(t *testing.T, c *kafkatest.Cluster, records ...*kgo.Record) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, otherClient(t, c).ProduceSync(ctx, records...).FirstErr())
}

// resumption measures how soon a producer delivers again after an outage: from the first record
// that a client which is not ours gets acknowledged to our first one after that.
type resumption struct {
	theirs chan time.Time // one slot; sent by the other client

	mu   sync.Mutex                 // guards what follows
	only func(producer.Report) bool // which deliveries count; nil: all
	over bool
	ours time.Time
}

// measureResumption must be called before the outage ends. The topic is the other client's own.
func measureResumption(t *testing.T, tr *trial, c *kafkatest.Cluster, topic string) *resumption {
	r := &resumption{theirs: make(chan time.Time, 1)}
	otherClient(t, c).Produce(t.Context(), &kgo.Record{Topic: topic},
		func(_ *kgo.Record, err error) {
			if err == nil {
				r.theirs <- time.Now()
			}
		})
	tr.alsoReport(func(rep producer.Report) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.over && r.ours.IsZero() && rep.Outcome == producer.Delivered &&
			(r.only == nil || r.only(rep)) {
			r.ours = time.Now()
		}
	})
	return r
}

// counts has only the first delivery counted that fn is true of.
func (r *resumption) counts(fn func(producer.Report) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.only = fn
}

// ends says that the outage is about to end: what is delivered from now on is delivered after it.
func (r *resumption) ends() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
}

// require fails t if the producer resumed late, by a bound that a busy machine keeps, and notes in
// c how soon it did.
func (r *resumption) require(t *testing.T, c *proof.Case) {
	t.Helper()
	var theirs, ours time.Time
	select {
	case theirs = <-r.theirs:
	case <-time.After(patience):
		require.Fail(t, "the other client cannot produce")
	}
	require.Eventually(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		ours = r.ours
		return !ours.IsZero()
	}, patience, time.Millisecond)
	c.Figure("resumed after another client did", "%v", ours.Sub(theirs).Round(time.Millisecond))
	require.Less(t, ours.Sub(theirs), 5*time.Second)
}

func sortedLines(text string) []string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	slices.Sort(lines)
	return lines
}

func sortedKeys[V any](m map[int32]V) []int32 { return slices.Sorted(maps.Keys(m)) }

// value makes a value of n bytes that compresses as events do.
func value(n int) []byte { return bytes.Repeat([]byte("event "), n/6+1)[:n] }

// randomBytes makes a value of n bytes that does not compress.
func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{8}).Read(b)
	return b
}
