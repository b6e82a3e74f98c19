package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/forebay-go/forebay/producer"
)

// Attributes without a name in the semantic conventions.
const (
	priorityKey        = attribute.Key("forebay.priority")
	outcomeKey         = attribute.Key("forebay.outcome")
	reasonKey          = attribute.Key("forebay.reason")
	clusterKey         = attribute.Key("forebay.cluster")
	attemptsKey        = attribute.Key("forebay.attempts")
	deliveryTimeKey    = attribute.Key("forebay.delivery_time") // seconds, from Send to the outcome
	maybeDuplicatedKey = attribute.Key("forebay.maybe_duplicated")
)

// Delivery returns the callback for producer.WithDelivery. It makes the span of each outcome, then
// calls next, which may be nil.
func (t *Tracer) Delivery(next func(producer.Report)) func(producer.Report) {
	t.follows.Store(true)
	return func(r producer.Report) {
		if sc := t.contextOf(&r); sc.IsValid() && sc.IsSampled() {
			t.deliver(&r, sc)
		}
		if next != nil {
			next(r)
		}
	}
}

// contextOf returns the span context that the record of r was sent with. It restores the
// application's tag in r.
func (t *Tracer) contextOf(r *producer.Report) trace.SpanContext {
	sc, ok := t.sent.take(r.Tag, r.Topic)
	if t.sent.made(r.Tag) {
		r.Tag = 0
		if r.Record != nil {
			r.Record.Tag = 0
		}
	}
	if ok || r.Record == nil || len(r.Record.Headers) == 0 {
		return sc
	}
	return trace.SpanContextFromContext(t.propagator.Extract(context.Background(),
		&carrier{headers: r.Record.Headers}))
}

func (t *Tracer) deliver(r *producer.Report, sent trace.SpanContext) {
	attrs := []attribute.KeyValue{
		semconv.MessagingSystemKafka,
		semconv.MessagingOperationName("deliver"),
		semconv.MessagingDestinationName(r.Topic),
		priorityKey.String(r.Priority.String()),
		outcomeKey.String(r.Outcome.String()),
		clusterKey.String(r.Cluster),
		attemptsKey.Int(r.Attempts),
		deliveryTimeKey.Float64(r.Waited.Seconds()),
		maybeDuplicatedKey.Bool(r.MaybeDuplicated),
	}
	if r.Outcome == producer.Delivered {
		attrs = append(attrs, partitionID(int64(r.Partition)))
		if r.Offset >= 0 {
			attrs = append(attrs, semconv.MessagingKafkaOffset(int(r.Offset)))
		}
	} else {
		attrs = append(attrs, reasonKey.String(r.Reason.String()),
			semconv.ErrorTypeKey.String(r.Reason.String()))
	}
	sent = sent.WithRemote(true)
	ctx := context.Background()
	if !t.separate {
		ctx = trace.ContextWithSpanContext(ctx, sent)
	}
	_, span := t.tracer.Start(ctx, "deliver "+r.Topic,
		trace.WithLinks(trace.Link{SpanContext: sent}), trace.WithAttributes(attrs...))
	if r.Outcome != producer.Delivered {
		text := r.Outcome.String() + ": " + r.Reason.String()
		if r.Err != nil {
			text += ": " + r.Err.Error()
		}
		span.SetStatus(codes.Error, text)
	}
	span.End()
}
