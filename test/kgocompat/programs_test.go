//go:build unix

package kgocompat_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/kgocompat"
	"github.com/forebay-go/forebay/producer"
)

// client is what a service that sends with franz-go declares.
type client interface {
	Produce(ctx context.Context, r *kgo.Record, promise func(*kgo.Record, error))
	TryProduce(ctx context.Context, r *kgo.Record, promise func(*kgo.Record, error))
	ProduceSync(ctx context.Context, rs ...*kgo.Record) kgo.ProduceResults
	Flush(ctx context.Context) error
	BufferedProduceRecords() int64
	BufferedProduceBytes() int64
	Ping(ctx context.Context) error
	Close()
}

var _, _ client = (*kgo.Client)(nil), (*kgocompat.Client)(nil)

// setup says which client a program wants.
type setup struct {
	manual       bool
	defaultTopic bool
	away         bool // there is no broker
	least        bool // the smallest buffer
	anyPartition bool // the client chooses partitions, as it likes
	onlyReal     bool // only real Kafka answers it as Kafka does
}

// clients make a client of each kind.
var clients = map[string]func(t *testing.T, brokers []string, topic string, s setup) client{
	"kgo": func(t *testing.T, brokers []string, topic string, s setup) client {
		opts := []kgo.Opt{kgo.SeedBrokers(brokers...), kgo.DefaultProduceTopic(topic)}
		if s.manual {
			opts = append(opts, kgo.RecordPartitioner(kgo.ManualPartitioner()))
		}
		if s.least {
			opts = append(opts, kgo.MaxBufferedBytes(1<<20), kgo.ManualFlushing())
		}
		cl, err := kgo.NewClient(opts...)
		require.NoError(t, err)
		return cl
	},
	"kgocompat": func(t *testing.T, brokers []string, topic string, s setup) client {
		cfg := producer.Config{Clusters: map[string]producer.ClusterConfig{"a": {Brokers: brokers}}}
		opts := []kgocompat.Option{nil, kgocompat.WithDefaultTopic(topic)}
		if s.manual {
			opts = append(opts, kgocompat.WithManualPartitioner())
		}
		if s.away {
			opts = append(opts, kgocompat.WithCloseTimeout(0))
		}
		if s.least {
			cfg.Buffer.MaxBytes, cfg.Batching.MaxBytes, cfg.Batching.MaxRecordBytes = 1<<20, 1<<16, 1<<16
		}
		cl, err := kgocompat.NewClient(cfg, opts...)
		require.NoError(t, err)
		return cl
	},
}

// line is a promise that was called, without what no two clients have in common.
type line struct {
	Topic     string
	Key       string
	Partition int32
	Offset    int64
	Epochs    [2]int32 // LeaderEpoch, and ProducerEpoch if the record failed
	Time      int64
	Err       string // the error of kgo that it is
}

// known are the errors that services test for.
var known = []error{kgo.ErrMaxBuffered, kgo.ErrClientClosed, kgo.ErrRecordTimeout,
	kerr.MessageTooLarge, kerr.InvalidTopicException, context.Canceled, context.DeadlineExceeded}

func lineOf(r *kgo.Record, err error) line {
	l := line{Topic: r.Topic, Key: string(r.Key), Partition: r.Partition, Offset: r.Offset,
		Epochs: [2]int32{r.LeaderEpoch, 0}, Time: r.Timestamp.UnixNano()}
	if err == nil {
		return l
	}
	l.Epochs[1], l.Err = int32(r.ProducerEpoch), "another error"
	for _, k := range known {
		if errors.Is(err, k) {
			l.Err = k.Error()
		}
	}
	return l
}

// run is a program that runs.
type run struct {
	t     *testing.T
	cl    client
	topic string // with three partitions

	mu    sync.Mutex
	lines []line
	wait  sync.WaitGroup
}

// promise returns a promise that keeps a line of it.
func (r *run) promise() func(*kgo.Record, error) {
	r.wait.Add(1)
	called := 0
	return func(rec *kgo.Record, err error) {
		if called++; called > 1 {
			r.t.Error("a promise was called twice")
			return
		}
		r.mu.Lock()
		r.lines = append(r.lines, lineOf(rec, err))
		r.mu.Unlock()
		r.wait.Done()
	}
}

// at is when records were made: not so long ago that Kafka deletes them.
var at = time.Now().Add(-48 * time.Hour).Truncate(time.Second).Add(123 * time.Millisecond)

// program is what a service does with a client.
type program struct {
	setup
	run func(r *run)
}

// programs are run against both kinds of client, and must see the same.
var programs = map[string]program{
	"records with keys": {run: func(r *run) {
		for i := range 20 {
			r.cl.Produce(r.t.Context(), &kgo.Record{Topic: r.topic, Key: fmt.Append(nil, "user ", i%7), Value: fmt.Append(nil, i), Timestamp: at}, r.promise())
		}
		require.NoError(r.t, r.cl.Flush(r.t.Context()))
		r.wait.Wait()
		require.Zero(r.t, r.cl.BufferedProduceRecords())
		require.Zero(r.t, r.cl.BufferedProduceBytes())
	}},
	"null, empty, headers, times": {setup: setup{manual: true}, run: func(r *run) {
		for i, rec := range []*kgo.Record{
			{Timestamp: at},
			{Key: []byte{}, Value: []byte{}, Timestamp: at.Add(999 * time.Microsecond)},
			{Value: []byte("v"), Timestamp: at.Add(-time.Hour), Headers: []kgo.RecordHeader{{Key: "a", Value: []byte("1")}, {Key: "a"}, {Key: "", Value: []byte{}}}},
			{Key: []byte("k"), Timestamp: at.Add(-24 * time.Hour), Headers: []kgo.RecordHeader{}},
		} {
			rec.Topic, rec.Partition = r.topic, int32(i%2)
			r.cl.TryProduce(r.t.Context(), rec, r.promise())
		}
		r.wait.Wait()
	}},
	"the default topic": {setup: setup{defaultTopic: true, manual: true}, run: func(r *run) {
		r.cl.Produce(r.t.Context(), &kgo.Record{Value: []byte("a"), Timestamp: at}, r.promise())
		r.wait.Wait()
	}},
	"no topic": {run: func(r *run) {
		r.cl.Produce(r.t.Context(), &kgo.Record{Value: []byte("a"), Timestamp: at}, r.promise())
		r.wait.Wait()
	}},
	// the embedded Kafka does not mind
	"an illegal topic": {setup: setup{onlyReal: true}, run: func(r *run) {
		r.cl.Produce(r.t.Context(), &kgo.Record{Topic: "a b", Timestamp: at}, r.promise())
		r.wait.Wait()
	}},
	"a negative partition": {setup: setup{manual: true}, run: func(r *run) {
		r.cl.Produce(r.t.Context(), &kgo.Record{Topic: r.topic, Partition: -1, Timestamp: at}, r.promise())
		r.wait.Wait()
	}},
	"no promise, no context": {setup: setup{manual: true}, run: func(r *run) {
		rec := &kgo.Record{Topic: r.topic, Value: []byte("a"), Timestamp: at}
		r.cl.Produce(nil, rec, nil) //nolint:staticcheck // kgo takes it
		require.NoError(r.t, r.cl.Flush(r.t.Context()))
		require.Equal(r.t, context.Background(), rec.Context)
		r.lines = append(r.lines, lineOf(rec, nil))
	}},
	"a context that has ended": {run: func(r *run) {
		ctx, cancel := context.WithCancel(r.t.Context())
		cancel()
		r.cl.Produce(ctx, &kgo.Record{Topic: r.topic, Value: []byte("a"), Timestamp: at}, r.promise())
		r.wait.Wait()
		rec := &kgo.Record{Topic: r.topic, Timestamp: at, Context: ctx}
		r.cl.Produce(r.t.Context(), rec, r.promise())
		r.wait.Wait()
		require.Equal(r.t, ctx, rec.Context)
		for i := range r.lines {
			r.lines[i].Partition = 0 // kgo may have chosen one
		}
	}},
	"too large": {run: func(r *run) {
		r.cl.TryProduce(r.t.Context(), &kgo.Record{Topic: r.topic, Value: make([]byte, 2_000_000), Timestamp: at}, r.promise())
		r.wait.Wait()
		for i := range r.lines {
			r.lines[i].Partition = 0
		}
	}},
	"after Close": {run: func(r *run) {
		r.cl.Close()
		r.cl.Close()
		for range 3 {
			r.cl.TryProduce(r.t.Context(), &kgo.Record{Topic: r.topic, Timestamp: at}, r.promise())
		}
		r.wait.Wait()
		require.ErrorIs(r.t, r.cl.ProduceSync(r.t.Context(), &kgo.Record{Topic: r.topic}).FirstErr(), kgo.ErrClientClosed)
	}},
	"the buffer is full": {setup: setup{away: true, least: true}, run: func(r *run) {
		full := make(chan bool, 1)
		for i := 0; len(full) == 0; i++ {
			r.wait.Add(1)
			r.cl.TryProduce(r.t.Context(), &kgo.Record{Topic: r.topic, Value: make([]byte, 10_000)}, func(rec *kgo.Record, err error) {
				defer r.wait.Done()
				if errors.Is(err, kgo.ErrMaxBuffered) {
					select {
					case full <- true:
					default:
					}
				} else if !errors.Is(err, kgo.ErrClientClosed) {
					r.t.Error(err)
				}
			})
		}
		require.Positive(r.t, r.cl.BufferedProduceRecords())
		require.Positive(r.t, r.cl.BufferedProduceBytes())
		ctx, cancel := context.WithTimeout(r.t.Context(), 10*time.Millisecond)
		defer cancel()
		require.ErrorIs(r.t, r.cl.Flush(ctx), context.DeadlineExceeded)
		r.cl.Close()
		r.wait.Wait()
	}},
	"ProduceSync": {setup: setup{manual: true}, run: func(r *run) {
		require.Empty(r.t, r.cl.ProduceSync(r.t.Context()))
		var rs []*kgo.Record
		for i := range 10 {
			rs = append(rs, &kgo.Record{Topic: r.topic, Partition: int32(i % 3), Value: fmt.Append(nil, i), Timestamp: at})
		}
		rs = append(rs, &kgo.Record{Topic: r.topic, Value: make([]byte, 2_000_000), Timestamp: at})
		results := r.cl.ProduceSync(r.t.Context(), rs...)
		require.Len(r.t, results, 11)
		require.ErrorIs(r.t, results.FirstErr(), kerr.MessageTooLarge)
		for _, res := range results {
			require.Contains(r.t, rs, res.Record)
			r.lines = append(r.lines, lineOf(res.Record, res.Err))
		}
		rec, err := r.cl.ProduceSync(r.t.Context(), &kgo.Record{Topic: r.topic}).First()
		require.NoError(r.t, err)
		require.EqualValues(r.t, 4, rec.Offset)
	}},
	"a caller that holds a lock of its promises": {setup: setup{anyPartition: true}, run: func(r *run) {
		var mu sync.Mutex
		called := 0
		promise := func(*kgo.Record, error) {
			mu.Lock()
			defer mu.Unlock()
			called++
			r.wait.Done()
		}
		r.wait.Add(2)
		mu.Lock()
		r.cl.Produce(r.t.Context(), &kgo.Record{Topic: r.topic}, promise)
		r.cl.Produce(r.t.Context(), &kgo.Record{}, promise)
		mu.Unlock()
		r.wait.Wait()
		require.Equal(r.t, 2, called)
	}},
	"promises without a lock": {setup: setup{anyPartition: true}, run: func(r *run) {
		called := 0 // the race detector sees promises that overlap
		var callers sync.WaitGroup
		for range 4 {
			callers.Go(func() {
				for i := range 500 {
					rec := &kgo.Record{Topic: r.topic, Value: fmt.Append(nil, i)}
					if i%2 == 0 {
						rec.Topic = "" // is refused
					}
					r.wait.Add(1)
					r.cl.Produce(r.t.Context(), rec, func(*kgo.Record, error) { called++; r.wait.Done() })
				}
			})
		}
		callers.Wait()
		r.wait.Wait()
		require.Equal(r.t, 2000, called)
	}},
	"a promise that produces": {setup: setup{manual: true}, run: func(r *run) {
		last := r.promise()
		var again func(n int) func(*kgo.Record, error)
		again = func(n int) func(*kgo.Record, error) {
			return func(*kgo.Record, error) {
				rec := &kgo.Record{Topic: r.topic, Timestamp: at}
				if n == 0 {
					r.cl.TryProduce(r.t.Context(), rec, last)
					return
				}
				if n%2 == 0 {
					rec.Topic = ""
				}
				r.cl.TryProduce(r.t.Context(), rec, again(n-1))
			}
		}
		again(5)(nil, nil)
		r.wait.Wait()
	}},
	"FirstErrPromise": {setup: setup{anyPartition: true}, run: func(r *run) {
		var first kgo.FirstErrPromise
		r.cl.Produce(r.t.Context(), &kgo.Record{Topic: r.topic}, first.Promise())
		r.cl.Produce(r.t.Context(), &kgo.Record{Topic: r.topic, Value: make([]byte, 2_000_000)}, first.Promise())
		require.ErrorIs(r.t, first.Err(), kerr.MessageTooLarge)
	}},
	"Ping": {run: func(r *run) { require.NoError(r.t, r.cl.Ping(r.t.Context())) }},
}
