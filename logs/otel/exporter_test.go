package otel_test

import (
	"context"
	"io"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/trace"

	"github.com/forebay-go/forebay/internal/ownline"
	"github.com/forebay-go/forebay/logs"
	"github.com/forebay-go/forebay/logs/internal/logstest"
	forebayotel "github.com/forebay-go/forebay/logs/otel"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/producertest"
	"github.com/forebay-go/forebay/routing"
)

func newExporter(t testing.TB, s producer.Sender, o *forebayotel.Options) *forebayotel.Exporter {
	e, err := forebayotel.New(s, "logs", o)
	require.NoError(t, err)
	return e
}

// loggerOf returns a logger of which p processes the records.
func loggerOf(t testing.TB, p sdklog.Processor) log.Logger {
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(p),
		sdklog.WithResource(resource.NewWithAttributes("https://resource", attribute.String("service.name", "shop"))))
	t.Cleanup(func() { _ = provider.Shutdown(context.Background()) })
	return provider.Logger("scope", log.WithInstrumentationVersion("v1"),
		log.WithSchemaURL("https://scope"), log.WithInstrumentationAttributes(attribute.Int("s", 1)))
}

// record returns a record of a log.
func record(severity log.Severity, body string, attrs ...attribute.KeyValue) (r log.Record) {
	r.SetSeverity(severity)
	r.SetSeverityText(severity.String())
	r.SetBody(attribute.StringValue(body))
	r.AddAttributes(attrs...)
	return r
}

var unmarshalers = map[forebayotel.Encoding]plog.Unmarshaler{
	forebayotel.JSON:  new(plog.JSONUnmarshaler),
	forebayotel.Proto: new(plog.ProtoUnmarshaler),
}

// read reads a record as the Collector does.
func read(t require.TestingT, e forebayotel.Encoding, value []byte) (plog.ResourceLogs, plog.LogRecord) {
	all, err := unmarshalers[e].UnmarshalLogs(value)
	require.NoError(t, err)
	require.Equal(t, 1, all.LogRecordCount())
	of := all.ResourceLogs().At(0)
	return of, of.ScopeLogs().At(0).LogRecords().At(0)
}

func TestExporter_SendsWhatTheCollectorReads(t *testing.T) {
	traced := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1, 2}, SpanID: trace.SpanID{3, 4}, TraceFlags: trace.FlagsSampled}))
	for encoding := range unmarshalers {
		t.Run(encoding.String(), func(t *testing.T) {
			var r producertest.Recorder
			e := newExporter(t, &r, &forebayotel.Options{Encoding: encoding,
				Headers: []producer.Header{{Key: "version", Value: []byte("1")}},
				Key:     func(r *sdklog.Record) []byte { return []byte(r.SeverityText()) }})
			rec := record(log.SeverityError, "said\xff", attribute.Int64("n", math.MinInt64),
				attribute.Bool("b", true), attribute.Float64("f", 1.5), attribute.ByteSlice("bytes", []byte{0, 255}),
				attribute.Slice("slice", attribute.StringValue("a"), attribute.Int64Value(1)),
				attribute.Map("map", attribute.Map("in", attribute.String("k", "v\x00\xff"))),
				attribute.BoolSlice("bools", []bool{true}), attribute.Int64Slice("ints", []int64{1}),
				attribute.Float64Slice("floats", []float64{.5}), attribute.StringSlice("texts", []string{"a\xff"}),
				attribute.KeyValue{Key: "empty"}, attribute.Float64("nan", math.NaN()))
			at := time.Unix(1700000000, 123456789)
			rec.SetTimestamp(at)
			rec.SetEventName("event")
			loggerOf(t, e).Emit(traced, rec)

			sent := r.Records("logs")[0]
			require.Equal(t, "ERROR", string(sent.Key))
			require.Equal(t, routing.High, sent.Priority)
			require.Equal(t, []producer.Header{{Key: "version", Value: []byte("1")}}, sent.Headers)
			of, got := read(t, encoding, sent.Value)
			require.Equal(t, "https://resource", of.SchemaUrl())
			require.Equal(t, map[string]any{"service.name": "shop"}, of.Resource().Attributes().AsRaw())
			scope := of.ScopeLogs().At(0)
			require.Equal(t, "https://scope", scope.SchemaUrl())
			require.Equal(t, "scope v1", scope.Scope().Name()+" "+scope.Scope().Version())
			require.Equal(t, map[string]any{"s": int64(1)}, scope.Scope().Attributes().AsRaw())
			require.Equal(t, at.UTC(), got.Timestamp().AsTime())
			require.NotZero(t, got.ObservedTimestamp())
			require.Equal(t, plog.SeverityNumberError, got.SeverityNumber())
			require.Equal(t, "ERROR", got.SeverityText())
			require.Equal(t, "event", got.EventName())
			require.EqualValues(t, trace.TraceID{1, 2}, got.TraceID())
			require.EqualValues(t, trace.SpanID{3, 4}, got.SpanID())
			require.True(t, got.Flags().IsSampled())
			require.Equal(t, "said\ufffd", got.Body().Str())
			attrs := got.Attributes().AsRaw()
			require.True(t, math.IsNaN(attrs["nan"].(float64)))
			delete(attrs, "nan")
			require.Equal(t, map[string]any{"n": int64(math.MinInt64), "b": true, "f": 1.5,
				"bytes": []byte{0, 255}, "slice": []any{"a", int64(1)}, "empty": nil,
				"bools": []any{true}, "ints": []any{int64(1)}, "floats": []any{.5},
				"texts": []any{"a\ufffd"}, "map": map[string]any{"in": map[string]any{"k": "v\x00\ufffd"}}}, attrs)
			require.Equal(t, logs.Stats{Sent: 1, Dropped: map[error]uint64{}}, e.Stats())
		})
	}
}

// Without a trace, a time or attributes, a record is one too.
func TestExporter_SendsAnEmptyRecord(t *testing.T) {
	for encoding := range unmarshalers {
		var r producertest.Recorder
		e := newExporter(t, &r, &forebayotel.Options{Encoding: encoding})
		require.NoError(t, e.Export(t.Context(), []sdklog.Record{{}}))
		_, got := read(t, encoding, r.Records()[0].Value)
		require.Zero(t, got.Timestamp())
		require.True(t, got.TraceID().IsEmpty())
		require.Equal(t, routing.Medium, r.Records()[0].Priority)
	}
}

func TestExporter_GivesEachSeverityItsPriority(t *testing.T) {
	var r producertest.Recorder
	of := func(o *forebayotel.Options, s log.Severity) routing.Priority {
		loggerOf(t, newExporter(t, &r, o)).Emit(t.Context(), record(s, "said"))
		sent := r.Records()
		return sent[len(sent)-1].Priority
	}
	for severity, want := range map[log.Severity]routing.Priority{
		log.SeverityFatal4: routing.High, log.SeverityError: routing.High,
		log.SeverityWarn4: routing.Medium, log.SeverityInfo: routing.Medium,
		log.SeverityDebug4: routing.Low, log.SeverityTrace: routing.Low,
		log.SeverityUndefined: routing.Medium,
	} {
		require.Equal(t, want, of(nil, severity), "%v", severity)
	}
	only := &forebayotel.Options{Priorities: map[log.Severity]routing.Priority{log.SeverityWarn: routing.High}}
	require.Equal(t, routing.High, of(only, log.SeverityError))
	require.Equal(t, routing.Unset, of(only, log.SeverityInfo))
}

func TestNew_NamesWhatIsWrong(t *testing.T) {
	_, err := forebayotel.New(nil, "", &forebayotel.Options{Encoding: 7,
		Headers:    []producer.Header{{Value: []byte("a")}},
		Priorities: map[log.Severity]routing.Priority{log.SeverityWarn: 77}})
	for _, want := range []string{"the sender is nil: give a *producer.Producer",
		`topic "": invalid record: the topic has no name`,
		"header 0 has no key: name it", "option Priorities: level WARN",
		"option Encoding: there is no Encoding(7): write JSON or Proto"} {
		require.ErrorContains(t, err, want)
	}
}

// handled keeps what the error handler of OpenTelemetry is told.
type handled struct {
	mu   sync.Mutex
	errs []error
}

func (h *handled) Handle(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.errs = append(h.errs, err)
}

func (h *handled) count() int {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.errs)
}

func TestExporter_ReportsDropsOnceAMinute(t *testing.T) {
	for _, s := range []producer.Sender{logstest.Refuse(producer.ErrBufferFull),
		(*producer.Producer)(nil), logstest.Refuse(io.EOF)} {
		synctest.Test(t, func(t *testing.T) {
			var h handled
			otel.SetErrorHandler(&h)
			e := newExporter(t, s, &forebayotel.Options{
				Key: func(*sdklog.Record) []byte { panic("no key today") }})
			export := func() { require.NoError(t, e.Export(t.Context(), make([]sdklog.Record, 3))) }
			export()
			require.Equal(t, 1, h.count(), "at once")
			for range 59 {
				export()
				time.Sleep(time.Second)
			}
			require.Equal(t, 1, h.count())
			time.Sleep(time.Second)
			require.Equal(t, 2, h.count())
			require.ErrorContains(t, h.errs[1], "log records for topic \"logs\" were dropped: 17")
			time.Sleep(time.Hour)
			require.Equal(t, 2, h.count(), "nothing more was dropped")
			require.EqualValues(t, 180, e.Stats().Drops())
		})
	}
}

func TestExporter_FlushesAndShutsDown(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var f logstest.Flusher
	e := newExporter(t, &f, nil)
	require.ErrorIs(t, e.ForceFlush(ctx), context.Canceled)
	require.NoError(t, e.Export(ctx, make([]sdklog.Record, 1)), "it needs no time")
	require.Len(t, f.Records(), 1)
	require.True(t, e.Enabled(ctx, sdklog.EnabledParameters{}))
	require.ErrorIs(t, e.Shutdown(ctx), context.Canceled)
	require.Equal(t, 2, f.Flushed)
	require.NoError(t, e.Shutdown(ctx))
	require.NoError(t, e.ForceFlush(ctx))
	require.Equal(t, 2, f.Flushed)
	require.False(t, e.Enabled(ctx, sdklog.EnabledParameters{}))
	otel.SetErrorHandler(new(handled))
	require.ErrorIs(t, e.Export(t.Context(), make([]sdklog.Record, 1)), sdklog.ErrExporterShutdown)
	require.Len(t, f.Records(), 1)
	require.NoError(t, f.Send(producer.Record{Topic: "a"}), "the producer is not closed")
	require.NoError(t, newExporter(t, logstest.Refuse(nil), nil).ForceFlush(t.Context()))
}

func TestExporter_LeavesOutForebaysOwnLines(t *testing.T) {
	for name, of := range map[string]func(*forebayotel.Exporter) sdklog.Processor{
		"processor": func(e *forebayotel.Exporter) sdklog.Processor { return e },
		"simple":    func(e *forebayotel.Exporter) sdklog.Processor { return sdklog.NewSimpleProcessor(e) },
	} {
		t.Run(name, func(t *testing.T) {
			var r producertest.Recorder
			e := newExporter(t, &r, nil)
			logger := loggerOf(t, of(e))
			logger.Emit(ownline.Context(), record(log.SeverityWarn, "cluster down"))
			logger.Emit(t.Context(), record(log.SeverityWarn, "cluster down"))
			require.Equal(t, logs.Stats{Own: 1, Sent: 1, Dropped: map[error]uint64{}}, e.Stats())
		})
	}
}

func TestExporter_CutsARecordThatIsTooLarge(t *testing.T) {
	many := make([]attribute.KeyValue, 100)
	for i := range many {
		many[i] = attribute.ByteSlice(strings.Repeat("k", 20)+string(rune('A'+i)), make([]byte, 50))
	}
	for encoding := range unmarshalers {
		t.Run(encoding.String(), func(t *testing.T) {
			s := &logstest.Limited{Limit: 1500}
			e := newExporter(t, s, &forebayotel.Options{Encoding: encoding})
			logger := loggerOf(t, e)
			large := strings.Repeat("ä", 5000)
			logger.Emit(t.Context(), record(log.SeverityWarn, "said", attribute.String("id", "1"),
				attribute.String("large", large), attribute.Slice("list", attribute.StringValue(large)),
				attribute.ByteSlice("bytes", make([]byte, 5000))))
			_, got := read(t, encoding, s.Sent[0])
			attrs := got.Attributes().AsRaw()
			require.Equal(t, "said 1", got.Body().Str()+" "+attrs["id"].(string))
			require.Greater(t, attrs["truncated_bytes"], int64(20_000))
			require.True(t, strings.HasSuffix(attrs["large"].(string), "ä[...]"))

			logger.Emit(t.Context(), record(log.SeverityWarn, large, many...))
			_, got = read(t, encoding, s.Sent[1])
			require.Equal(t, 1, got.Attributes().Len())
			require.EqualValues(t, 100, got.DroppedAttributesCount())
			require.Contains(t, got.Body().Str(), "ää[...]")
			require.Equal(t, logs.Stats{Sent: 2, Truncated: 2, Dropped: map[error]uint64{}}, e.Stats())

			s.Limit = 10
			otel.SetErrorHandler(new(handled))
			logger.Emit(t.Context(), record(log.SeverityWarn, "said"))
			require.EqualValues(t, 1, e.Stats().Dropped[producer.ErrRecordTooLarge])
		})
	}
}

func TestExporter_ConcurrentSafe(t *testing.T) {
	var r producertest.Recorder
	e := newExporter(t, &r, nil)
	logger := loggerOf(t, e)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 20 {
				logger.Emit(t.Context(), record(log.SeverityInfo, "said", attribute.Int("i", i), attribute.Int("n", n)))
			}
		})
	}
	wg.Wait()
	seen := make(map[int64]bool)
	for _, rec := range r.Records() {
		_, got := read(t, forebayotel.JSON, rec.Value)
		attrs := got.Attributes().AsRaw()
		seen[attrs["i"].(int64)*20+attrs["n"].(int64)] = true
	}
	require.Len(t, seen, 160)
}

// FuzzExporter: whatever is logged, the Collector reads it.
func FuzzExporter(f *testing.F) {
	f.Add("a", "said", []byte("text"), int64(1), 1.5, 9)
	f.Add("", "\xff", []byte(nil), int64(-1), math.Inf(1), -1)
	f.Fuzz(func(t *testing.T, key, body string, bytes []byte, n int64, x float64, severity int) {
		for encoding := range unmarshalers {
			var r producertest.Recorder
			e := newExporter(t, &r, &forebayotel.Options{Encoding: encoding})
			rec := record(log.Severity(severity), body, attribute.ByteSlice(key, bytes), attribute.Int64(body, n),
				attribute.Float64(string(bytes), x), attribute.Map(key+"m", attribute.String(body, key)))
			rec.SetTimestamp(time.Unix(n, n))
			rec.SetEventName(key)
			loggerOf(t, e).Emit(t.Context(), rec)
			_, got := read(t, encoding, r.Records()[0].Value)
			require.Equal(t, strings.ToValidUTF8(body, "\ufffd"), got.Body().Str())
		}
	})
}
