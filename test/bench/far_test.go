//go:build linux || darwin

package bench_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/kafkatest"
	"github.com/forebay-go/forebay/test/toxics"
)

const (
	farRounds  = 5                     // of each client, in turn, after one that is not counted
	farRecords = 60_000                // of 1 KiB, in each
	farDelay   = 50 * time.Millisecond // of every answer
)

// BenchmarkFar is the throughput to a broker that is 50 ms away, as fast as each client goes.
func BenchmarkFar(b *testing.B) {
	for _, partitions := range []int{1, 6} {
		b.Run(fmt.Sprintf("partitions=%d", partitions),
			func(b *testing.B) { benchFar(b, partitions) })
	}
}

func benchFar(b *testing.B, partitions int) {
	kafka := kafkatest.Start(b, kafkatest.Heap(768),
		kafkatest.Property("log.retention.check.interval.ms", "2000"))
	const topic = "far"
	kafka.CreateTopic(b, topic, partitions,
		kafkatest.TopicConfig("retention.bytes",
			"33554432"), kafkatest.TopicConfig("file.delete.delay.ms", "1000"))
	way, err := toxics.New(kafka.Broker(0).Addr())
	require.NoError(b, err)
	b.Cleanup(way.Close)
	require.NoError(b, way.Add(toxics.Latency(farDelay, 0).Down()))
	ours := newForebay(b, kafka.Seeds(), nil, producer.WithDialer(way.Dial))
	theirs := newFranz(b, kafka.Seeds(), kgo.Dialer(way.Dial), kgo.MaxBufferedRecords(50_000))
	w := &workload{name: "far", valueSize: 1 << 10, records: farRecords}
	clients, rounds := []client{ours, theirs}, [2]deliveries{}
	for range farRounds + 1 {
		for i, c := range clients {
			rounds[i].run(b, c, w, []string{topic})
		}
	}
	x := rounds[0].rate.over(rounds[1].rate)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(x.median(), "x-rate")
	b.Logf("records a second, Forebay's divided by franz-go's: %v %.2f", x, []float64(x))
	for i, c := range clients {
		b.Logf("%s: %v records a second, %v records a request", c.name(), rounds[i].rate,
			rounds[i].records)
	}
}
