package tracing_test

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/tracing"
)

// A record that is sent within a span has two spans of its own: one for Send, one for its outcome.
func Example() {
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "plays"))
	if err != nil {
		panic(err)
	}
	defer kafka.Close()
	spans := tracetest.NewSpanRecorder() // a service has an exporter here
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))

	tracer := tracing.New(provider)
	p, err := producer.New(producer.Config{
		Clusters: map[string]producer.ClusterConfig{"events": {Brokers: kafka.ListenAddrs()}},
	}, producer.WithDelivery(tracer.Delivery(nil)))
	if err != nil {
		panic(err)
	}

	ctx, request := provider.Tracer("app").Start(context.Background(), "GET /play")
	err = tracer.Send(ctx, p, producer.Record{Topic: "plays", Value: []byte("title 7")})
	request.End()

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	summary, _ := p.Close(ctx)
	fmt.Println(summary, err)
	for _, span := range spans.Ended() {
		same := span.SpanContext().TraceID() == request.SpanContext().TraceID()
		fmt.Println(span.Name(), span.SpanKind(), same)
	}
	_ = provider.Shutdown(ctx)
	// Unordered output:
	// 1 accepted, 1 delivered <nil>
	// send plays producer true
	// GET /play internal true
	// deliver plays internal true
}
