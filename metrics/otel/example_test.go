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

// Register does the same through the API of OpenTelemetry: for a program that has a meter and does
// not own the SDK.
func ExampleRegister() {
	reader := metric.NewManualReader() // a program has an exporter here
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	p, err := producer.New(producer.Config{ // nobody listens there
		Clusters: map[string]producer.ClusterConfig{"main": {Brokers: []string{"127.0.0.1:1"}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	registration, err := otel.Register(provider.Meter("forebay"), p.Stats, otel.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = p.Send(producer.Record{Topic: "plays", Value: []byte("title 7")})

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var got metricdata.ResourceMetrics
	err = reader.Collect(ctx, &got)
	for _, m := range got.ScopeMetrics[0].Metrics {
		if m.Name == "forebay.accepted_records" {
			fmt.Println(m.Name, err)
		}
	}
	_ = registration.Unregister()
	cancel() // do not wait for Kafka
	_, _ = p.Close(ctx)
	_ = provider.Shutdown(context.Background())
	// Output: forebay.accepted_records <nil>
}
