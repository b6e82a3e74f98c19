//go:build linux || darwin

package bench_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/kafkatest"
)

const (
	deliveryRounds = 10 // of each client, in turn, after one that is not counted

	steadyMillis  = 5_000 // a round at a steady rate
	steadyRecords = 10    // in each of them
	steadyTopics  = 50
)

// workload is what a round sends.
type workload struct {
	name      string
	valueSize int
	records   int
	topics    int
	steady    bool // steadyRecords a millisecond, not as fast as it goes
	reports   bool // Forebay reports each record; franz-go always does
	// records that franz-go may hold: those that cost it the least of 50,000 to 2,000,000, and
	// 64 MiB or so
	room int
}

var workloads = []workload{
	{name: "100B", valueSize: 100, records: 1_500_000, topics: 1, room: 200_000},
	{name: "100B-reported", valueSize: 100, records: 1_500_000, topics: 1, room: 200_000,
		reports: true},
	{name: "1KiB", valueSize: 1 << 10, records: 600_000, topics: 1, room: 50_000},
	{name: "steady", valueSize: 100, records: steadyMillis * steadyRecords, topics: steadyTopics,
		room: 200_000, steady: true},
	{name: "steady-one-topic", valueSize: 100, records: steadyMillis * steadyRecords, topics: 1,
		room: 200_000, steady: true},
}

// BenchmarkDelivery is what it costs this process to get a record to a real broker and its
// acknowledgement back: with acks of all replicas, idempotent, uncompressed. Only one client works
// at a time; the broker is a process of its own.
func BenchmarkDelivery(b *testing.B) {
	for _, w := range workloads {
		b.Run(w.name, func(b *testing.B) { benchDelivery(b, &w) })
	}
}

func benchDelivery(b *testing.B, w *workload) {
	kafka := kafkatest.Start(b, kafkatest.Heap(768),
		kafkatest.Property("log.retention.check.interval.ms", "2000"))
	topics := make([]string, w.topics)
	for i := range topics {
		topics[i] = fmt.Sprintf("events-%d", i)
		kafka.CreateTopic(b, topics[i], partitions,
			kafkatest.TopicConfig("retention.bytes",
				"33554432"), kafkatest.TopicConfig("file.delete.delay.ms", "1000"))
	}
	var options []producer.Option
	reported := 0
	if w.reports {
		options = append(options, producer.WithDelivery(func(r producer.Report) {
			if r.Outcome == producer.Delivered {
				reported++
			}
		}))
	}
	ours := newForebay(b, kafka.Seeds(), nil, options...)
	theirs := newFranz(b, kafka.Seeds(), kgo.MaxBufferedRecords(w.room))
	clients := []client{ours, theirs}
	if w.steady {
		clients = append(clients, nothing{})
	}
	rounds := make([]*deliveries, len(clients))
	for i := range clients {
		rounds[i] = new(deliveries)
	}
	want := logged(b, kafka.Seeds(), topics...)
	for range deliveryRounds + 1 {
		for i, c := range clients {
			rounds[i].run(b, c, w, topics)
		}
		want += int64(2 * w.records)
	}
	require.Equal(b, want, logged(b, kafka.Seeds(), topics...))
	report(b, w, clients, rounds)
}

// deliveries are the rounds of one client.
type deliveries struct {
	cpu     spread // nanoseconds a record
	rate    spread // records a second
	records spread // in a request
	warm    bool
}

// run runs a round, of which the first is not counted.
func (d *deliveries) run(b *testing.B, c client, w *workload, topics []string) {
	record := value(w.valueSize)
	runtime.GC() // of what the other left
	requests, used, begin := c.requests(), processTime(b), time.Now()
	if w.steady {
		pace(w.records/steadyRecords, func(ms int) {
			for i := range steadyRecords {
				c.produce(topics[(ms*steadyRecords+i)%len(topics)], record)
			}
		})
	} else {
		for i := range w.records {
			c.produce(topics[i%len(topics)], record)
		}
	}
	c.flush(b)
	took := time.Since(begin)
	used, requests = processTime(b)-used, c.requests()-requests
	if d.warm {
		n := float64(w.records)
		d.cpu = append(d.cpu, used/n)
		d.rate = append(d.rate, n/took.Seconds())
		d.records = append(d.records, n/requests)
	}
	d.warm = true
}

func report(b *testing.B, w *workload, clients []client, rounds []*deliveries) {
	x := rounds[0].cpu.over(rounds[1].cpu)
	b.ReportMetric(0, "ns/op") // the time of all of it says nothing
	b.ReportMetric(x.median(), "x-cpu")
	b.Logf("processor time a record, Forebay's divided by franz-go's: %v", x)
	for i, c := range clients {
		d := rounds[i]
		b.ReportMetric(d.cpu.median(), c.name()+"-cpu-ns/record")
		if c == (nothing{}) {
			b.Logf("%s: %v ns of processor time a record", c.name(), d.cpu)
			continue
		}
		b.ReportMetric(d.rate.median(), c.name()+"-records/s")
		b.ReportMetric(d.records.median(), c.name()+"-records/request")
		b.Logf("%s: %v ns of processor time a record, %v records a second, %v records a request",
			c.name(), d.cpu, d.rate, d.records)
	}
}
