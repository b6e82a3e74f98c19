package otel_test

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/forebay-go/forebay/metrics/otel"
	"github.com/forebay-go/forebay/producer"
)

// A reader of the SDK that gets the numbers of a producer; a periodic reader with an exporter takes
// a Source in the same way.
func ExampleSource() {
	source := otel.NewSource()
	reader := metric.NewManualReader(metric.WithProducer(source))
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	p, err := producer.New(producer.Config{
		Clusters: map[string]producer.ClusterConfig{"main": {Brokers: []string{"127.0.0.1:9092"}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	detach := source.Attach(p.Stats, otel.Options{})
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var got metricdata.ResourceMetrics
	err = reader.Collect(ctx, &got)
	for _, m := range got.ScopeMetrics[0].Metrics {
		if m.Name == "forebay.buffer_limit" {
			fmt.Println(m.Data.(metricdata.Gauge[float64]).DataPoints[0].Value, m.Unit, err)
		}
	}
	detach()
	_, _ = p.Close(ctx)
	_ = provider.Shutdown(ctx)
	// Output: 6.7108864e+07 By <nil>
}
