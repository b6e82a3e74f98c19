package tracing

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// Tracer makes spans of records that are sent, and of their outcomes. It is safe for concurrent
// use.
type Tracer struct {
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
	// the application chose the propagator, which may write headers without a span
	always   bool
	separate bool
	follows  atomic.Bool // Delivery was called
	sent     *sent
}

// Option changes how a Tracer works.
type Option interface{ apply(*Tracer) }

type optionFunc func(*Tracer)

func (f optionFunc) apply(t *Tracer) { f(t) }

// WithPropagator makes p write the headers instead of propagation.TraceContext (traceparent,
// tracestate). A propagator with propagation.Baggage shows the baggage to everybody who reads the
// topic.
func WithPropagator(p propagation.TextMapPropagator) Option {
	return optionFunc(func(t *Tracer) { t.propagator, t.always = p, true })
}

// WithSeparateTraces makes each "deliver" span begin its own trace, linked to the trace of the
// record: for collectors that close a trace after a while. The provider's sampler then decides
// again.
func WithSeparateTraces() Option {
	return optionFunc(func(t *Tracer) { t.separate = true })
}

// New returns a Tracer that makes its spans with provider.
func New(provider trace.TracerProvider, opts ...Option) *Tracer {
	t := &Tracer{
		tracer: provider.Tracer("github.com/forebay-go/forebay/tracing",
			trace.WithSchemaURL(semconv.SchemaURL)),
		propagator: propagation.TraceContext{},
		sent:       newSent(remembered),
	}
	for _, opt := range opts {
		if opt != nil {
			opt.apply(t)
		}
	}
	return t
}

// Sender sends the records of a Tracer: a *producer.Producer.
type Sender = producer.Sender

// Send sends rec with p.Send: it never waits, and returns the error of p.Send. If ctx has a sampled
// span, Send makes a child span. It uses nothing else of ctx, which may have ended.
func (t *Tracer) Send(ctx context.Context, p Sender, rec producer.Record) error {
	switch parent := trace.SpanContextFromContext(ctx); {
	case parent.IsValid() && parent.IsSampled():
		return t.sendTraced(ctx, p, rec)
	case parent.IsValid() || t.always:
		return t.send(ctx, p, rec)
	default:
		return p.Send(rec)
	}
}

func (t *Tracer) sendTraced(ctx context.Context, p Sender, rec producer.Record) error {
	attrs := []attribute.KeyValue{
		semconv.MessagingSystemKafka,
		semconv.MessagingOperationName("send"),
		semconv.MessagingOperationTypeSend,
		semconv.MessagingDestinationName(rec.Topic),
		semconv.MessagingMessageBodySize(len(rec.Value)),
	}
	if rec.Value == nil {
		attrs = append(attrs, semconv.MessagingKafkaMessageTombstone(true))
	}
	if n, _ := rec.Partition.Number(); n >= 0 {
		attrs = append(attrs, partitionID(int64(n)))
	}
	if rec.Priority != routing.Unset {
		attrs = append(attrs, priorityKey.String(rec.Priority.String()))
	}
	ctx, span := t.tracer.Start(ctx, "send "+rec.Topic, trace.WithSpanKind(trace.SpanKindProducer),
		trace.WithAttributes(attrs...))
	defer span.End()
	sc := span.SpanContext()
	followed := t.follows.Load() && sc.IsSampled()
	if followed { // before Send, because the report may come first
		rec.Tag = t.sent.remember(rec.Tag, rec.Topic, sc)
	}
	err := t.send(ctx, p, rec)
	if err != nil {
		if followed {
			t.sent.take(rec.Tag, rec.Topic)
		}
		span.SetStatus(codes.Error, err.Error())
		span.SetAttributes(errorType(err))
	}
	return err
}

// send sends rec with the headers of ctx.
func (t *Tracer) send(ctx context.Context, p Sender, rec producer.Record) error {
	c := newCarrier(rec.Headers)
	defer c.free()
	t.propagator.Inject(ctx, c)
	with := rec
	with.Headers = c.headers
	err := p.Send(with)
	if e, ok := errors.AsType[*producer.SendError](err); ok &&
		errors.Is(e.Err, producer.ErrRecordTooLarge) && e.Size-c.added <= e.Limit {
		return p.Send(rec) // an event is worth more than its trace
	}
	return err
}

// errorType returns the attribute for the error that Send returned.
func errorType(err error) attribute.KeyValue {
	if e, ok := errors.AsType[*producer.SendError](err); ok {
		return semconv.ErrorTypeKey.String(e.Err.Error())
	}
	return semconv.ErrorTypeOther
}

func partitionID(n int64) attribute.KeyValue {
	return semconv.MessagingDestinationPartitionID(strconv.FormatInt(n, 10))
}
