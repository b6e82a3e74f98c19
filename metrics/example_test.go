package metrics_test

import (
	"context"
	"fmt"

	"github.com/forebay-go/forebay/metrics"
	"github.com/forebay-go/forebay/producer"
)

// A monitoring system without a package of its own here reads the samples and writes them as it
// likes. For Prometheus there is metrics/prom, for OpenTelemetry metrics/otel.
func ExampleSource() {
	p, err := producer.New(producer.Config{ // nobody listens there
		Clusters: map[string]producer.ClusterConfig{"events": {Brokers: []string{"127.0.0.1:1"}}},
	})
	if err != nil {
		panic(err)
	}
	for range 3 {
		_ = p.Send(producer.Record{Topic: "plays", Value: []byte("title 7")})
	}
	source := metrics.New(p.Stats, metrics.Options{})
	for _, s := range source.Read() {
		if s.Metric.Name == "forebay_accepted_records_total" && s.Value > 0 {
			fmt.Println(s.Metric.Name, s.Metric.Labels, s.Labels, s.Value)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // do not wait for Kafka
	_, _ = p.Close(ctx)
	// Output: forebay_accepted_records_total [priority] [medium] 3
}

// The table has every metric; docs/metrics.md is made from it.
func ExampleTable() {
	for _, m := range metrics.Table() {
		if m.Unit == metrics.Bytes && m.Kind == metrics.Gauge {
			fmt.Println(m.Name, m.Labels)
		}
	}
	// Output:
	// forebay_buffer_bytes [priority]
	// forebay_buffer_limit_bytes []
	// forebay_overhead_bytes []
	// forebay_topic_buffer_bytes [topic]
}
