//go:build linux || darwin

package bench_test

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sys/unix"

	"github.com/forebay-go/forebay/audit"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/kafkatest"
)

const (
	flowRounds  = 5
	flowRate    = 10_000 // records a second
	flowRecords = 100_000
	flowBytes   = 1 << 10 // of a value
	flowKeys    = 1000
)

// BenchmarkAuditFlow is the processor time of a process that sends records of 1 KiB at 10,000 a
// second and reads them, on three real brokers: plain, and with the whole account of the audit
// (numbers, statements, a reader, a ledger). They take turns. The time to start, to deliver the last
// statements and to end is in it.
func BenchmarkAuditFlow(b *testing.B) {
	kafka := kafkatest.Start(b, kafkatest.Brokers(3), kafkatest.Heap(512))
	for _, keys := range []int{0, flowKeys} {
		var figures [2]spread // ns a record
		for round := range flowRounds {
			for i, run := range []func(*flow, *testing.B){(*flow).plain, (*flow).audited} {
				f := newFlow(b, kafka, fmt.Sprint("flow-", keys, "-", round, "-", i), keys)
				before := cpuTime(b, unix.CLOCK_PROCESS_CPUTIME_ID)
				run(f, b)
				figures[i] = append(figures[i],
					(cpuTime(b, unix.CLOCK_PROCESS_CPUTIME_ID)-before)/flowRecords)
				kafka.DeleteTopic(b, f.topic)
			}
		}
		name := "without keys"
		if keys > 0 {
			name = "keys"
		}
		b.Run(name, func(b *testing.B) {
			ratio := figures[1].over(figures[0])
			b.ReportMetric(figures[0].median(), "plain-cpu-ns/op")
			b.ReportMetric(figures[1].median(), "audited-cpu-ns/op")
			b.ReportMetric(ratio.median(), "x")
			b.ReportMetric(figures[1].median()*50_000/1e9, "cores-at-50000/s")
			b.Logf("plain %v, audited %v ns of processor time a record: x %v", figures[0],
				figures[1], ratio)
		})
	}
}

// flow is records at a steady rate, through a topic of its own.
type flow struct {
	seeds             []string
	topic, statements string
	keys              int
}

func newFlow(b *testing.B, kafka *kafkatest.Cluster, topic string, keys int) *flow {
	f := &flow{seeds: kafka.Seeds(), topic: topic, statements: topic + "-statements", keys: keys}
	kafka.CreateTopic(b, topic, partitions)
	_, err := audit.CreateStatementTopic(b.Context(), f.statements, partitions, -1, f.options()...)
	require.NoError(b, err)
	return f
}

func (f *flow) options() []kgo.Opt { return []kgo.Opt{kgo.SeedBrokers(f.seeds...)} }

func (f *flow) producer(b *testing.B, opts ...producer.Option) *producer.Producer {
	p, err := producer.New(producer.Config{Clusters: map[string]producer.ClusterConfig{
		"bench": {Brokers: f.seeds}}}, opts...)
	require.NoError(b, err)
	return p
}

// send sends all records, ten each millisecond.
func (f *flow) send(b *testing.B, p *producer.Producer) {
	begin := time.Now()
	rec := producer.Record{Topic: f.topic, Value: value(flowBytes)}
	var key []byte
	for i := range flowRecords {
		if i%(flowRate/1000) == 0 {
			time.Sleep(time.Until(begin.Add(time.Duration(i) * time.Second / flowRate)))
		}
		if f.keys > 0 {
			key = strconv.AppendInt(append(key[:0], "key-"...), int64(i%f.keys), 10)
			rec.Key = key
		}
		require.NoError(b, p.Send(rec))
	}
}

// plain sends and reads without an audit.
func (f *flow) plain(b *testing.B) {
	client, err := kgo.NewClient(append(f.options(), kgo.ConsumeTopics(f.topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(500*time.Millisecond))...)
	require.NoError(b, err)
	defer client.Close()
	p := f.producer(b)
	var read atomic.Int64
	done := make(chan struct{})
	ctx, cancel := context.WithTimeout(b.Context(), 5*time.Minute)
	defer cancel()
	go func() {
		defer close(done)
		for read.Load() < flowRecords && ctx.Err() == nil {
			read.Add(int64(client.PollRecords(ctx, 10_000).NumRecords()))
		}
	}()
	f.send(b, p)
	<-done
	require.EqualValues(b, flowRecords, read.Load())
	f.end(b, p)
}

// audited does the same with the whole account of it.
func (f *flow) audited(b *testing.B) {
	source, err := audit.NewSource(audit.SourceConfig{Instance: "bench",
		StatementTopic: f.statements, Ordered: true})
	require.NoError(b, err)
	p := f.producer(b, producer.WithObserver(source))
	source.Start(p)
	ledger, err := audit.Follow(f.statements, nil, f.options()...)
	require.NoError(b, err)
	defer ledger.Close()
	reader, err := audit.NewReader(audit.ReaderConfig{Topics: []string{f.topic}, Group: f.topic,
		StatementTopic: f.statements}, ledger, p, nil, f.options())
	require.NoError(b, err)
	f.send(b, p)
	ctx, cancel := context.WithTimeout(b.Context(), 5*time.Minute)
	defer cancel()
	require.NoError(b, source.Close(ctx))
	for audited := uint64(0); audited < flowRecords; _, audited = reader.Records() {
		require.NoError(b, ctx.Err())
		time.Sleep(10 * time.Millisecond)
	}
	require.NoError(b, reader.Close(ctx))
	require.NoError(b, ledger.CatchUp(ctx))
	r := ledger.Ledger().Report(time.Now())
	require.Equal(b, audit.Whole, r.Verdict(), "%+v", r.Total)
	require.EqualValues(b, flowRecords, r.Total.Seen)
	f.end(b, p)
}

func (f *flow) end(b *testing.B, p *producer.Producer) {
	summary, err := p.Close(b.Context())
	require.NoError(b, err)
	require.GreaterOrEqual(b, summary.Delivered, uint64(flowRecords))
}
