package tracing

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a Sender that keeps what it is sent.
type fake struct {
	records []producer.Record
	err     func(*producer.Record) error
}

func (f *fake) Send(rec producer.Record) error {
	headers := make([]producer.Header, len(rec.Headers))
	for i, h := range rec.Headers {
		headers[i] = producer.Header{Key: h.Key, Value: append([]byte(nil), h.Value...)}
	}
	rec.Headers = headers
	f.records = append(f.records, rec)
	if f.err != nil {
		return f.err(&rec)
	}
	return nil
}

// application is one whose spans are recorded.
type application struct {
	*sdktrace.TracerProvider
	recorder *tracetest.SpanRecorder
}

func newApplication(t testing.TB, sampler sdktrace.Sampler) application {
	r := tracetest.NewSpanRecorder()
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(r),
		sdktrace.WithSampler(sdktrace.ParentBased(sampler)))
	t.Cleanup(func() { _ = tp.Shutdown(context.Background()) })
	return application{tp, r}
}

// request returns a context with a span, and that.
func (a application) request() (context.Context, trace.SpanContext) {
	ctx, span := a.Tracer("application").Start(context.Background(), "GET /play")
	defer span.End()
	return ctx, span.SpanContext()
}

// spans returns those that have ended and are called so.
func (a application) spans(name string) (spans []sdktrace.ReadOnlySpan) {
	for _, s := range a.recorder.Ended() {
		if s.Name() == name {
			spans = append(spans, s)
		}
	}
	return spans
}

func attributesOf(s sdktrace.ReadOnlySpan) map[string]any {
	all := make(map[string]any)
	for _, a := range s.Attributes() {
		all[string(a.Key)] = a.Value.AsInterface()
	}
	return all
}

func headersOf(rec producer.Record) map[string]string {
	all := make(map[string]string)
	for _, h := range rec.Headers {
		all[h.Key] = string(h.Value)
	}
	return all
}

func TestSend_MakesASpanAndPutsItOnTheRecord(t *testing.T) {
	a, f := newApplication(t, sdktrace.AlwaysSample()), new(fake)
	ctx, request := a.request()
	own := []producer.Header{{Key: "kind", Value: []byte("play")},
		{Key: "traceparent", Value: []byte("of another")}, {Key: "z"}}
	rec := producer.Record{Topic: "plays", Key: []byte("secret"), Headers: own[:2], Tag: 7,
		Priority: routing.High, Partition: producer.ToPartition(3)}

	require.NoError(t, New(a).Send(ctx, f, rec))

	spans := a.spans("send plays")
	require.Len(t, spans, 1)
	s := spans[0]
	require.Equal(t, request.TraceID(), s.SpanContext().TraceID())
	require.Equal(t, request.SpanID(), s.Parent().SpanID())
	require.Equal(t, trace.SpanKindProducer, s.SpanKind())
	require.Equal(t, codes.Unset, s.Status().Code)
	require.Equal(t, map[string]any{
		"messaging.system": "kafka", "messaging.operation.name": "send", "messaging.operation.type": "send",
		"messaging.destination.name": "plays", "messaging.destination.partition.id": "3", "messaging.kafka.message.tombstone": true,
		"messaging.message.body.size": int64(0), "forebay.priority": "high",
	}, attributesOf(s))
	sent := f.records[0]
	require.Len(t, sent.Headers, 2)
	require.Equal(t, map[string]string{
		"kind": "play", "traceparent": "00-" + s.SpanContext().TraceID().String() + "-" +
			s.SpanContext().SpanID().String() + "-01",
	}, headersOf(sent))
	require.EqualValues(t, 7, sent.Tag)
	require.Equal(t, "of another", string(own[1].Value), "the caller's headers are the caller's")
	require.Equal(t, "z", own[2].Key)
}

func TestSend_TellsTheReaderThatATraceIsNotSampled(t *testing.T) {
	a, f := newApplication(t, sdktrace.NeverSample()), new(fake)
	ctx, request := a.request()

	require.NoError(t, New(a).Send(ctx, f, producer.Record{Topic: "plays"}))

	require.Equal(t, map[string]string{"traceparent": "00-" + request.TraceID().String() + "-" +
		request.SpanID().String() + "-00"}, headersOf(f.records[0]))
	require.Empty(t, a.spans("send plays"))
}

func TestSend_DoesNothingWithoutASpan(t *testing.T) {
	a, f := newApplication(t, sdktrace.AlwaysSample()), new(fake)
	tracer := New(a)
	tracer.Delivery(nil)
	require.NoError(t, tracer.Send(context.Background(), f, producer.Record{Topic: "plays"}))
	require.Equal(t, producer.Record{Topic: "plays", Headers: []producer.Header{}}, f.records[0])
	require.Empty(t, a.recorder.Started())
}

func TestSend_WritesWhatThePropagatorSays(t *testing.T) {
	a, f := newApplication(t, sdktrace.AlwaysSample()), new(fake)
	tracer := New(a,
		WithPropagator(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{},
			propagation.Baggage{})))
	member, err := baggage.NewMember("tenant", "blue")
	require.NoError(t, err)
	bag, err := baggage.New(member)
	require.NoError(t, err)
	state, err := trace.ParseTraceState("vendor=1")
	require.NoError(t, err)
	parent := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1},
		SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled, TraceState: state})
	ctx := baggage.ContextWithBaggage(trace.ContextWithSpanContext(context.Background(), parent),
		bag)

	require.NoError(t, tracer.Send(ctx, f, producer.Record{Topic: "plays"}))
	require.NoError(t, tracer.Send(baggage.ContextWithBaggage(context.Background(), bag), f,
		producer.Record{Topic: "plays"}))

	require.Equal(t, "vendor=1", headersOf(f.records[0])["tracestate"])
	require.Equal(t, "tenant=blue", headersOf(f.records[0])["baggage"])
	require.Equal(t, map[string]string{"baggage": "tenant=blue"}, headersOf(f.records[1]),
		"without a span")
}

func TestSend_ThatIsRefusedFailsTheSpan(t *testing.T) {
	a, f := newApplication(t, sdktrace.AlwaysSample()), new(fake)
	ctx, _ := a.request()
	tracer := New(a)
	tracer.Delivery(nil)
	for _, err := range []error{&producer.SendError{Topic: "plays", Err: producer.ErrBufferFull},
		errors.New("of another sender")} {
		f.err = func(*producer.Record) error { return err }
		require.ErrorIs(t, tracer.Send(ctx, f, producer.Record{Topic: "plays"}), err)
	}
	spans := a.spans("send plays")
	require.Equal(t, sdktrace.Status{Code: codes.Error,
		Description: `send to "plays" (unset): buffer full`}, spans[0].Status())
	require.Equal(t, "buffer full", attributesOf(spans[0])["error.type"])
	require.Equal(t, "_OTHER", attributesOf(spans[1])["error.type"])
	require.Zero(t, tracer.sent.some.Load(), "there will be no report")
}

func TestSend_DropsTheHeadersBeforeTheEvent(t *testing.T) {
	a := newApplication(t, sdktrace.AlwaysSample())
	p, err := producer.New(producer.Config{Clusters: map[string]producer.ClusterConfig{"a": {Brokers: []string{"127.0.0.1:1"}}}})
	require.NoError(t, err)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	defer func() { _, _ = p.Close(ended) }()
	limit := p.Config().Batching.MaxRecordBytes
	ctx, _ := a.request()
	tracer := New(a)
	send := func(n int) error {
		return tracer.Send(ctx, p, producer.Record{Topic: "plays", Value: make([]byte, n)})
	}

	require.NoError(t, send(limit-20), "fits without them")
	require.EqualValues(t, 1, p.Stats().Total.Accepted)
	require.ErrorIs(t, send(limit+1), producer.ErrRecordTooLarge)
	require.EqualValues(t, 2, p.Stats().Refused[producer.ErrRecordTooLarge], "one try was enough")
	require.Equal(t, codes.Unset, a.spans("send plays")[0].Status().Code)
	require.Equal(t, codes.Error, a.spans("send plays")[1].Status().Code)
}

func TestDelivery_TellsWhatBecameOfARecord(t *testing.T) {
	a, f := newApplication(t, sdktrace.AlwaysSample()), new(fake)
	tracer := New(a)
	var told []producer.Report
	report := tracer.Delivery(func(r producer.Report) { told = append(told, r) })
	send := func(tag uint64) trace.SpanContext {
		ctx, request := a.request()
		require.NoError(t, tracer.Send(ctx, f, producer.Record{Topic: "plays", Tag: tag}))
		return request
	}
	delivered, shed, expired := send(0), send(0), send(5)
	tags := []uint64{f.records[0].Tag, f.records[1].Tag, f.records[2].Tag}
	require.NotZero(t, tags[0])
	require.NotEqual(t, tags[0], tags[1])
	base := producer.Report{Topic: "plays", Priority: routing.High, Cluster: "main", Attempts: 2,
		Waited: 1500 * time.Millisecond, Offset: -1}

	r := base
	r.Tag, r.Outcome, r.Partition, r.Offset = tags[0], producer.Delivered, 4, 99
	report(r)
	r = base
	r.Tag, r.Outcome, r.Reason = tags[1], producer.Shed, producer.ReasonPreemptedByHigh
	report(r)
	r = base
	r.Tag, r.Outcome, r.Reason, r.Err = tags[2], producer.Expired, producer.ReasonDeliveryTimeout, errors.New("connection refused")
	r.Record = &f.records[2]
	report(r)

	spans := a.spans("deliver plays")
	require.Len(t, spans, 3)
	for i, request := range []trace.SpanContext{delivered, shed, expired} {
		sent := a.spans("send plays")[i].SpanContext()
		require.Equal(t, request.TraceID(), spans[i].SpanContext().TraceID())
		require.Equal(t, sent.SpanID(), spans[i].Parent().SpanID())
		require.Len(t, spans[i].Links(), 1)
		require.Equal(t, sent.WithRemote(true), spans[i].Links()[0].SpanContext)
	}
	require.Equal(t, map[string]any{
		"messaging.system": "kafka", "messaging.operation.name": "deliver", "messaging.destination.name": "plays",
		"messaging.destination.partition.id": "4", "messaging.kafka.offset": int64(99),
		"forebay.priority": "high", "forebay.outcome": "delivered", "forebay.cluster": "main",
		"forebay.attempts": int64(2), "forebay.delivery_time": 1.5, "forebay.maybe_duplicated": false,
	}, attributesOf(spans[0]))
	require.Equal(t, codes.Unset, spans[0].Status().Code)
	require.Equal(t, sdktrace.Status{Code: codes.Error, Description: "shed: preempted by high"},
		spans[1].Status())
	require.Equal(t, sdktrace.Status{Code: codes.Error,
		Description: "expired: delivery timeout: connection refused"}, spans[2].Status())
	require.Equal(t, "delivery timeout", attributesOf(spans[2])["error.type"])
	require.NotContains(t, attributesOf(spans[2]), "messaging.destination.partition.id")

	require.Equal(t, []uint64{0, 0, 5}, []uint64{told[0].Tag, told[1].Tag, told[2].Tag},
		"as the application has them")
	require.Zero(t, tracer.sent.some.Load())

	send(0)
	r = base
	r.Tag, r.Outcome, r.Record = f.records[3].Tag, producer.Rejected, &f.records[3]
	report(r)
	require.Zero(t, told[3].Tag)
	require.Zero(t, told[3].Record.Tag)
}

func TestDelivery_OfWhatIsNotTracedIsNotTouched(t *testing.T) {
	a, f := newApplication(t, sdktrace.AlwaysSample()), new(fake)
	tracer := New(a)
	var told producer.Report
	report := tracer.Delivery(func(r producer.Report) { told = r })
	ctx, _ := a.request()
	require.NoError(t, tracer.Send(ctx, f, producer.Record{Topic: "plays", Tag: 7}))
	for _, r := range []producer.Report{
		{Tag: 7, Topic: "clicks", Outcome: producer.Delivered}, // another record with that tag
		{Tag: 8, Topic: "plays", Outcome: producer.Delivered},
		{Topic: "plays", Outcome: producer.Expired, Record: &producer.Record{Topic: "plays"}},
		{Topic: "plays", Outcome: producer.Expired,
			Record: &producer.Record{Headers: []producer.Header{
				{Key: "traceparent", Value: []byte("00-" + strings.Repeat("1", 32) + "-" +
					strings.Repeat("2", 16) + "-00")}}}},
	} {
		report(r)
		require.Equal(t, r, told)
	}
	require.Empty(t, a.spans("deliver plays"))
	tracer.Delivery(nil)(producer.Report{Tag: 7, Topic: "plays"})
	require.Len(t, a.spans("deliver plays"), 1)
}

func TestDelivery_FindsTheTraceOfALostRecordInItsHeaders(t *testing.T) {
	a := newApplication(t, sdktrace.AlwaysSample())
	New(a).Delivery(nil)(producer.Report{Topic: "plays", Outcome: producer.Expired,
		Record: &producer.Record{Headers: []producer.Header{
			{Key: "traceparent", Value: []byte("00-" + strings.Repeat("1", 32) + "-" +
				strings.Repeat("2", 16) + "-01")}}}})
	require.Equal(t, strings.Repeat("2", 16),
		a.spans("deliver plays")[0].Links()[0].SpanContext.SpanID().String())
}

func TestDelivery_BeginsATraceOfItsOwnWhereThatIsAskedFor(t *testing.T) {
	a, f := newApplication(t, sdktrace.AlwaysSample()), new(fake)
	tracer := New(a, WithSeparateTraces())
	report := tracer.Delivery(nil)
	ctx, request := a.request()
	require.NoError(t, tracer.Send(ctx, f, producer.Record{Topic: "plays", Tag: 1}))
	report(producer.Report{Topic: "plays", Tag: 1, Outcome: producer.Delivered})
	s := a.spans("deliver plays")[0]
	require.False(t, s.Parent().IsValid())
	require.NotEqual(t, request.TraceID(), s.SpanContext().TraceID())
	require.Equal(t, request.TraceID(), s.Links()[0].SpanContext.TraceID())
}

func TestTracer_NamesNoContents(t *testing.T) {
	a, f := newApplication(t, sdktrace.AlwaysSample()), new(fake)
	tracer := New(a)
	report := tracer.Delivery(nil)
	ctx, _ := a.request()
	rec := producer.Record{Topic: "plays", Key: []byte("sesame"), Value: []byte("sesame"),
		Headers: []producer.Header{{Key: "h", Value: []byte("sesame")}}}
	require.NoError(t, tracer.Send(ctx, f, rec))
	report(producer.Report{Topic: "plays", Tag: f.records[0].Tag, Outcome: producer.Rejected,
		Reason: producer.ReasonInvalid, Record: &rec})
	require.Len(t, a.recorder.Ended(), 3)
	for _, s := range a.recorder.Ended() {
		for _, kv := range append(s.Attributes(),
			attribute.String("status", s.Status().Description)) {
			require.NotContains(t, kv.Value.String(), "sesame")
		}
	}
}

func TestSent_ForgetsTheOldestAtItsBound(t *testing.T) {
	s := newSent(3)
	span := func(n byte) trace.SpanContext {
		return trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{n},
			SpanID: trace.SpanID{n}})
	}
	for n := range byte(5) {
		s.remember(uint64(n)+1, "plays", span(n+1))
	}
	s.remember(4, "plays", span(40)) // the tag comes again: it replaces, and pushes another out
	for tag, want := range map[uint64]byte{1: 0, 2: 0, 3: 0, 4: 40, 5: 5} {
		got, ok := s.take(tag, "plays")
		require.Equal(t, want > 0, ok, tag)
		if ok {
			require.Equal(t, span(want), got)
		}
	}
	require.Zero(t, s.some.Load())
	again := newSent(2)
	for _, tag := range []uint64{1, 1, 2} { // what is pushed out is the first place of 1, not 1
		again.remember(tag, "plays", span(byte(tag)))
	}
	_, ok := again.take(1, "plays")
	require.True(t, ok)
	for n := range byte(200) { // nothing comes back of these
		s.remember(0, "plays", span(n))
	}
	require.Len(t, s.byTag, 3)
}

func TestTracer_ConcurrentSafe(t *testing.T) {
	a := newApplication(t, sdktrace.AlwaysSample())
	tracer := New(a)
	report := tracer.Delivery(nil)
	var all sync.WaitGroup
	const each = 200
	for range 4 {
		all.Go(func() {
			f := new(fake)
			for range each {
				ctx, _ := a.request()
				_ = tracer.Send(ctx, f, producer.Record{Topic: "plays"})
				report(producer.Report{Topic: "plays", Tag: f.records[len(f.records)-1].Tag})
			}
		})
	}
	all.Wait()
	require.Len(t, a.spans("deliver plays"), 4*each)
	for _, s := range a.spans("deliver plays") {
		require.Equal(t, s.Links()[0].SpanContext.SpanID(), s.Parent().SpanID())
	}
}
