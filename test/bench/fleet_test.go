//go:build linux

package bench_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/internal/faultnet"
	"github.com/forebay-go/forebay/internal/proctime"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
	"github.com/forebay-go/forebay/test/kafkatest"
)

const (
	fleetWarm  = 75 * time.Second // until metadata comes from one broker for some time
	fleetTime  = 45 * time.Second
	fleetEach  = 10 * time.Millisecond // between two records of a priority
	fleetKafka = 5                     // brokers
)

// BenchmarkFleet is what one of many instances that send little costs a cluster of real brokers:
// connections, requests and the processor time of the brokers, three priorities of 100 records/s
// each.
func BenchmarkFleet(b *testing.B) {
	for _, most := range []time.Duration{0, 100 * time.Millisecond} {
		b.Run(fmt.Sprintf("max_linger=%v", most), func(b *testing.B) {
			benchFleet(b, func(kafka *kafkatest.Cluster, link *faultnet.Link) client {
				return newForebay(b, kafka.Seeds(),
					func(c *producer.Config) { c.Batching.MaxLinger = most },
					producer.WithDialer(link.Dial))
			})
		})
	}
	b.Run("franz-go", func(b *testing.B) {
		benchFleet(b, func(kafka *kafkatest.Cluster, link *faultnet.Link) client {
			return newFranz(b, kafka.Seeds(), kgo.Dialer(link.Dial))
		})
	})
}

func benchFleet(b *testing.B, start func(*kafkatest.Cluster, *faultnet.Link) client) {
	kafka := kafkatest.Start(b, kafkatest.Brokers(3))
	for len(kafka.Brokers()) < fleetKafka {
		kafka.AddBroker(b)
	}
	kafka.CreateTopic(b, "events", 2*fleetKafka)
	link := faultnet.New(dial)
	c := start(kafka, link)
	send := func(d time.Duration) (records int) {
		for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(fleetEach) {
			for _, priority := range routing.All {
				if f, ours := c.(*forebay); ours {
					require.NoError(b, f.Send(producer.Record{Topic: "events",
						Priority: priority, Value: value(100)}))
				} else {
					c.produce("events", value(100))
				}
				records++
			}
		}
		return records
	}
	send(fleetWarm)
	requests, used, dials := c.requests(), brokersTime(b, kafka), link.Dials()
	records, most := 0, 0
	for range fleetTime / (3 * time.Second) {
		records += send(3 * time.Second)
		most = max(most, link.Open())
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(most)/fleetKafka, "connections/broker")
	b.ReportMetric(float64(link.Dials()-dials), "dials")
	b.ReportMetric(float64(records)/(c.requests()-requests), "records/request")
	b.ReportMetric(1000*(brokersTime(b, kafka)-used)/fleetTime.Seconds(), "brokers-ms/s")
	c.flush(b)
}

// brokersTime returns the seconds of processor time that the brokers have taken.
func brokersTime(b *testing.B, kafka *kafkatest.Cluster) (seconds float64) {
	for _, broker := range kafka.Brokers() {
		took, err := proctime.Of(broker.PID())
		require.NoError(b, err)
		seconds += took.Seconds()
	}
	return seconds
}
