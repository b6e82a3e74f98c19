package tracing

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/forebay-go/forebay/internal/faultnet"
	"github.com/forebay-go/forebay/producer"
)

// A request sends an event, some of them while Kafka is away; a consumer reads it and continues the
// trace.
func TestTracer_AConsumerContinuesTheTraceThroughAnOutage(t *testing.T) {
	k, err := kfake.NewCluster(kfake.SeedTopics(3, "plays"))
	require.NoError(t, err)
	defer k.Close()
	link := faultnet.New(new(net.Dialer).DialContext)
	a := newApplication(t, sdktrace.AlwaysSample())
	tracer := New(a)
	p, err := producer.New(producer.Config{Clusters: map[string]producer.ClusterConfig{"a": {Brokers: k.ListenAddrs()}}},
		producer.WithDialer(link.Dial), producer.WithDelivery(tracer.Delivery(nil)))
	require.NoError(t, err)
	defer func() { _, _ = p.Close(t.Context()) }()
	requests := make(map[trace.TraceID]trace.SpanContext)
	send := func(n int) {
		for range n {
			ctx, request := a.request()
			requests[request.TraceID()] = request
			require.NoError(t, tracer.Send(ctx, p,
				producer.Record{Topic: "plays", Value: []byte("play")}))
			require.NoError(t, p.Send(producer.Record{Topic: "plays", Value: []byte("not traced")}))
		}
	}
	send(50)
	require.NoError(t, p.Flush(t.Context()))
	link.Cut()
	send(50)
	require.EqualValues(t, 100, p.Stats().Total.Pending)
	require.Positive(t, link.Cuts())
	link.Restore()
	_, err = p.Close(t.Context())
	require.NoError(t, err)

	continued := consume(t, k.ListenAddrs(), a, 200)
	require.Len(t, continued, 100)
	sends := make(map[trace.SpanID]sdktrace.ReadOnlySpan)
	for _, s := range a.spans("send plays") {
		sends[s.SpanContext().SpanID()] = s
	}
	for _, s := range a.spans("process plays") {
		send := sends[s.Parent().SpanID()]
		require.NotNil(t, send)
		require.Equal(t, requests[s.SpanContext().TraceID()].SpanID(), send.Parent().SpanID())
	}
	delivered := a.spans("deliver plays")
	require.Len(t, delivered, 100)
	for _, s := range delivered {
		require.Equal(t, "delivered", attributesOf(s)["forebay.outcome"])
		require.Contains(t, sends, s.Links()[0].SpanContext.SpanID())
		delete(sends, s.Links()[0].SpanContext.SpanID())
	}
	require.Empty(t, sends, "each has one")
}

// consume reads n records, and makes a span for each whose headers have a trace. It returns their
// traces.
func consume(t *testing.T, brokers []string, a application, n int) map[trace.TraceID]bool {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics("plays"))
	require.NoError(t, err)
	defer cl.Close()
	traces := make(map[trace.TraceID]bool)
	for read := 0; read < n; {
		fetches := cl.PollFetches(ctx)
		require.NoError(t, fetches.Err())
		for rec := range fetches.RecordsAll() {
			read++
			headers := make(propagation.MapCarrier)
			for _, h := range rec.Headers {
				headers[h.Key] = string(h.Value)
			}
			of := propagation.TraceContext{}.Extract(ctx, headers)
			if !trace.SpanContextFromContext(of).IsValid() {
				require.Equal(t, "not traced", string(rec.Value))
				continue
			}
			_, span := a.Tracer("consumer").Start(of, "process plays",
				trace.WithSpanKind(trace.SpanKindConsumer))
			span.End()
			traces[span.SpanContext().TraceID()] = true
		}
	}
	return traces
}
