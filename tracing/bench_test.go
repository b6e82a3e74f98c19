package tracing

import (
	"context"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/forebay-go/forebay/producer"
)

// nothing is a Sender that does nothing, so that what is measured is what tracing adds.
type nothing struct{}

func (nothing) Send(producer.Record) error { return nil }

func with(flags trace.TraceFlags) context.Context {
	return trace.ContextWithSpanContext(context.Background(),
		trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, TraceFlags: flags}))
}

// BenchmarkSend is what tracing adds to a Send. Sampled spans are made and thrown away.
func BenchmarkSend(b *testing.B) {
	for _, x := range []struct {
		name string
		ctx  context.Context
	}{
		{"no span", context.Background()},
		{"unsampled", with(0)},
		{"sampled", with(trace.FlagsSampled)},
	} {
		b.Run(x.name, func(b *testing.B) {
			tracer := New(sdktrace.NewTracerProvider())
			tracer.Delivery(nil)
			rec := producer.Record{Topic: "plays", Value: make([]byte, 100)}
			b.ReportAllocs()
			for b.Loop() {
				_ = tracer.Send(x.ctx, nothing{}, rec)
			}
		})
	}
}

// BenchmarkDelivery is what tracing adds to a report, while as many sampled records as are
// remembered are under way.
func BenchmarkDelivery(b *testing.B) {
	tracer := New(sdktrace.NewTracerProvider())
	report := tracer.Delivery(nil)
	delivered := func(tag uint64) {
		report(producer.Report{Topic: "plays", Tag: tag, Outcome: producer.Delivered})
	}
	sc := trace.SpanContextFromContext(with(trace.FlagsSampled))
	b.Run("nothing is traced", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			delivered(1)
		}
	})
	for tag := range uint64(remembered) {
		tracer.sent.remember(tag+10, "plays", sc)
	}
	b.Run("others are traced", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			delivered(1)
		}
	})
	b.Run("sampled", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			tracer.sent.remember(1, "plays", sc)
			delivered(1)
		}
	})
}
