package slog_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/slogtest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/forebay-go/forebay/internal/slogcore"
	"github.com/forebay-go/forebay/logs"
	"github.com/forebay-go/forebay/logs/internal/logstest"
	forebayslog "github.com/forebay-go/forebay/logs/slog"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/producertest"
	"github.com/forebay-go/forebay/routing"
)

func newHandler(t testing.TB, s producer.Sender, o *forebayslog.Options) *forebayslog.Handler {
	h, err := forebayslog.New(s, "logs", o)
	require.NoError(t, err)
	return h
}

func TestHandler_KeepsTheRulesOfHandlers(t *testing.T) {
	for name, replace := range map[string]func([]string, slog.Attr) slog.Attr{
		"plain":            nil,
		"with ReplaceAttr": func(_ []string, a slog.Attr) slog.Attr { return a },
	} {
		t.Run(name, func(t *testing.T) {
			var r *producertest.Recorder
			slogtest.Run(t, func(t *testing.T) slog.Handler {
				r = new(producertest.Recorder)
				return newHandler(t, r, &forebayslog.Options{ReplaceAttr: replace})
			}, func(t *testing.T) map[string]any {
				require.Len(t, r.Records("logs"), 1)
				return logstest.Last(t, r)
			})
		})
	}
}

func TestHandler_SendsARecordForEachLine(t *testing.T) {
	var r producertest.Recorder
	value := []byte("1")
	h := newHandler(t, &r, &forebayslog.Options{
		Headers: []producer.Header{{Key: "version", Value: value}},
		Fields:  []slog.Attr{slog.String("service", "shop")},
		Key: func(ctx context.Context, rec slog.Record) []byte {
			return []byte(ctx.Value("user").(string) + rec.Message)
		},
	})
	value[0] = '2'                                       // New has copied it
	ctx := context.WithValue(t.Context(), "user", "u1 ") //nolint:revive,staticcheck // any key will do
	slog.New(h).WithGroup("g").InfoContext(ctx, "said", "n", 1)
	rec := r.Records()[0]
	require.Equal(t, "logs", rec.Topic)
	require.Equal(t, "u1 said", string(rec.Key))
	require.Equal(t, []producer.Header{{Key: "version", Value: []byte("1")}}, rec.Headers)
	require.True(t, rec.Timestamp.IsZero(), "Kafka rejects times that are far ahead")
	got := logstest.Parsed(t, rec.Value)
	require.Equal(t, "shop", got["service"])
	require.Equal(t, map[string]any{"n": 1.}, got["g"])
	require.NotContains(t, string(rec.Value), "\n")

	slog.New(newHandler(t, &r, nil)).Info("said")
	require.Nil(t, r.Records()[1].Key)
	require.Equal(t, logs.Stats{Sent: 1, Dropped: map[error]uint64{}}, h.Stats())
}

func TestHandler_GivesEachLevelItsPriority(t *testing.T) {
	var r producertest.Recorder
	all := &forebayslog.Options{Level: slog.Level(math.MinInt32)}
	of := func(h slog.Handler, l slog.Level) routing.Priority {
		slog.New(h).Log(t.Context(), l, "said")
		sent := r.Records()
		return sent[len(sent)-1].Priority
	}
	for level, want := range map[slog.Level]routing.Priority{
		slog.LevelError: routing.High, math.MaxInt32: routing.High,
		slog.LevelError - 1: routing.Medium, slog.LevelWarn: routing.Medium,
		slog.LevelInfo: routing.Medium, slog.LevelInfo - 1: routing.Low,
		slog.LevelDebug: routing.Low, math.MinInt32: routing.Low,
	} {
		require.Equal(t, want, of(newHandler(t, &r, all), level), "%v", level)
	}
	all.Priorities = map[slog.Level]routing.Priority{slog.LevelWarn: routing.High}
	require.Equal(t, routing.High, of(newHandler(t, &r, all), slog.LevelError))
	require.Equal(t, routing.Unset, of(newHandler(t, &r, all), slog.LevelInfo))
}

func TestHandler_SendsOnlyFromItsLevelOn(t *testing.T) {
	var r producertest.Recorder
	var level slog.LevelVar
	log := slog.New(newHandler(t, &r, &forebayslog.Options{Level: &level}))
	log.Debug("not sent")
	level.Set(slog.LevelDebug)
	log.Debug("sent")
	require.Len(t, r.Records(), 1)
	slog.New(newHandler(t, &r, nil)).Debug("not sent")
	require.Len(t, r.Records(), 1)
}

func TestNew_NamesWhatIsWrong(t *testing.T) {
	_, err := forebayslog.New(nil, "a b", &forebayslog.Options{
		Headers:    []producer.Header{{Value: []byte("a")}},
		Priorities: map[slog.Level]routing.Priority{slog.LevelWarn: 77},
	})
	for _, want := range []string{"the sender is nil: give a *producer.Producer",
		`topic "a b": invalid record: the name`,
		"header 0 has no key: name it",
		"option Priorities: level WARN has priority 77: write routing.Low"} {
		require.ErrorContains(t, err, want)
	}
	_, err = forebayslog.New(new(producertest.Recorder), "", nil)
	require.ErrorIs(t, err, producer.ErrInvalidRecord)
}

type (
	panics  struct{}
	badErr  struct{}
	nilErr  struct{ text string }
	endless struct{}
	exits   struct{}
)

func (panics) MarshalJSON() ([]byte, error) { panic("no JSON today") }
func (badErr) Error() string                { panic("no text today") }
func (e *nilErr) Error() string             { return e.text }
func (endless) LogValue() slog.Value        { return slog.GroupValue(slog.Any("in", endless{})) }
func (exits) MarshalJSON() ([]byte, error)  { runtime.Goexit(); return nil, nil }

type panicValuer struct{}

func (panicValuer) LogValue() slog.Value { panic("no value today") }

func TestHandler_WritesPanicsAsText(t *testing.T) {
	var r producertest.Recorder
	log := slog.New(newHandler(t, &r, nil))
	log.With("with", panics{}).WithGroup("g").Error("said", "json", panics{}, "error", badErr{},
		"nil", (*nilErr)(nil), "value", panicValuer{}, "func", func() {}, "nan", math.NaN(),
		slog.Group("in", "json", panics{}), "endless", endless{}, "after", 1)
	got := logstest.Last(t, &r)
	require.Equal(t, "!PANIC: no JSON today", got["with"])
	g := got["g"].(map[string]any)
	require.Equal(t, "!PANIC: no JSON today", g["json"])
	require.Equal(t, "!PANIC: no text today", g["error"])
	require.Equal(t, "<nil>", g["nil"])
	require.Contains(t, g["value"], "LogValue panicked")
	require.Contains(t, g["func"], "!ERROR:json: unsupported type")
	require.Equal(t, "NaN", g["nan"])
	require.Equal(t, map[string]any{"json": "!PANIC: no JSON today"}, g["in"])
	require.Equal(t, 1., g["after"])
}

func TestHandler_SurvivesItsOptions(t *testing.T) {
	var r producertest.Recorder
	log := slog.New(newHandler(t, &r, &forebayslog.Options{
		ReplaceAttr: func([]string, slog.Attr) slog.Attr { panic("no attribute today") },
		Key:         func(context.Context, slog.Record) []byte { panic("no key today") },
	}))
	log.Info("said", "a", 1)
	require.Equal(t, "!PANIC: no attribute today", logstest.Last(t, &r)["a"])
	require.Nil(t, r.Records()[0].Key)
}

// A test that fails in MarshalJSON ends its goroutine. The line is counted.
func TestHandler_SurvivesGoexit(t *testing.T) {
	var r producertest.Recorder
	h := newHandler(t, &r, nil)
	log := slog.New(h)
	var wg sync.WaitGroup
	wg.Go(func() { log.Info("said", "a", exits{}) })
	wg.Wait()
	require.Empty(t, r.Records())
	require.Equal(t, map[error]uint64{logs.ErrNotEncoded: 1}, h.Stats().Dropped)
	log.Info("said")
	require.Len(t, r.Records(), 1)
}

// relogs logs while it is logged.
type relogs struct{ log *slog.Logger }

func (r relogs) LogValue() slog.Value { r.log.Info("inner"); return slog.IntValue(1) }

func TestHandler_MayBeCalledByAValue(t *testing.T) {
	var r producertest.Recorder
	log := slog.New(newHandler(t, &r, nil))
	log.Info("outer", "a", relogs{log}, "b", 2)
	require.Len(t, r.Records(), 2)
	got := logstest.Last(t, &r)
	require.Equal(t, "outer", got["msg"])
	require.Equal(t, 2., got["b"])
}

type panicker struct{}

func (panicker) Send(producer.Record) error { panic("no sender today") }

func TestHandler_NeverReturnsAnError(t *testing.T) {
	for name, x := range map[string]struct {
		to     producer.Sender
		reason error
	}{
		"full": {logstest.Refuse(&producer.SendError{Err: producer.ErrBufferFull}),
			producer.ErrBufferFull},
		"closed": {logstest.Refuse(producer.ErrClosed), producer.ErrClosed},
		"an interceptor": {logstest.Refuse(errors.Join(producer.ErrIntercepted,
			producer.ErrBufferFull)), producer.ErrIntercepted},
		"another error": {logstest.Refuse(io.EOF), logs.ErrRefused},
		"panic":         {panicker{}, logs.ErrRefused},
		"nil producer":  {(*producer.Producer)(nil), logs.ErrRefused},
		"no sender yet": {new(logs.Late), logs.ErrNoSender},
		"without a limit": {logstest.Refuse(producer.ErrRecordTooLarge),
			producer.ErrRecordTooLarge},
		"too small limits": {logstest.Refuse(&producer.SendError{Err: producer.ErrRecordTooLarge,
			Limit: 10, Size: 1000}), producer.ErrRecordTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHandler(t, x.to, nil)
			require.NoError(t, h.Handle(t.Context(), slog.Record{Message: "said"}))
			require.NoError(t, h.Handle(nil, slog.Record{})) //nolint:staticcheck // a stranger may
			require.Equal(t, logs.Stats{Dropped: map[error]uint64{x.reason: 2}}, h.Stats())
		})
	}
}

// told is a place for the lines of Options.Drops.
type told struct {
	mu    sync.Mutex
	lines [][]byte
}

func (w *told) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, bytes.Clone(line))
	return len(line), nil
}

// count returns how many lines there are when there is nothing to do at this instant.
func (w *told) count() int {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.lines)
}

func TestHandler_ReportsDropsOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w told
		h := newHandler(t, logstest.Refuse(producer.ErrBufferFull),
			&forebayslog.Options{Drops: slog.NewJSONHandler(&w, nil)})
		log := slog.New(h)
		log.Info("first")
		require.Equal(t, 1, w.count(), "at once")
		for range 59 {
			log.Info("more")
			time.Sleep(time.Second)
		}
		require.Equal(t, 1, w.count())
		time.Sleep(time.Second)
		require.Equal(t, 2, w.count())
		line := logstest.Parsed(t, w.lines[1])
		delete(line, "time")
		require.Equal(t, map[string]any{"level": "WARN", "msg": "log lines were dropped",
			"topic": "logs", "lines": 59., "reasons": map[string]any{"buffer full": 59.},
			"error": "buffer full"}, line)
		time.Sleep(time.Hour)
		require.Equal(t, 2, w.count(), "nothing more was dropped")
		log.Info("late")
		require.Equal(t, 3, w.count())
		require.EqualValues(t, 61, h.Stats().Drops())
	})
}

// stuck is a handler for drops that hangs or panics.
type stuck struct {
	slog.Handler
	do func()
}

func (s stuck) Handle(context.Context, slog.Record) error { s.do(); return nil }

func TestHandler_OutlivesTheHandlerForDrops(t *testing.T) {
	for name, x := range map[string]struct {
		do    func(release chan struct{})
		calls int64
	}{
		"hangs":  {func(release chan struct{}) { <-release }, 1},
		"panics": {func(chan struct{}) { panic("no drops today") }, 10},
		"exits":  {func(chan struct{}) { runtime.Goexit() }, 10},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				var calls atomic.Int64
				h := newHandler(t, logstest.Refuse(producer.ErrClosed), &forebayslog.Options{
					Drops: stuck{slog.NewJSONHandler(io.Discard, nil),
						func() { calls.Add(1); x.do(release) }}})
				begin := time.Now()
				for range 10 {
					slog.New(h).Info("said")
					require.Zero(t, time.Since(begin)%time.Minute)
					time.Sleep(time.Minute)
				}
				require.Equal(t, x.calls, calls.Load())
				require.EqualValues(t, 10, h.Stats().Drops())
				close(release)
			})
		})
	}
}

// A handler that reports its drops to itself makes no loop.
func TestHandler_LeavesOutTheReportsOfDrops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var late logs.Late
		var both slog.Handler
		h := newHandler(t, &late, &forebayslog.Options{Drops: later{&both}})
		both = h
		slog.New(h).Info("said")
		time.Sleep(time.Hour)
		require.Equal(t, logs.Stats{Own: 1, Dropped: map[error]uint64{logs.ErrNoSender: 1}}, h.Stats())
	})
}

// later is a handler that is there before the one that it calls.
type later struct{ to *slog.Handler }

func (l later) Enabled(context.Context, slog.Level) bool        { return true }
func (l later) Handle(ctx context.Context, r slog.Record) error { return (*l.to).Handle(ctx, r) }
func (l later) WithAttrs(attrs []slog.Attr) slog.Handler        { return (*l.to).WithAttrs(attrs) }
func (l later) WithGroup(name string) slog.Handler              { return (*l.to).WithGroup(name) }

// A line from Forebay, as WithSlog writes it, is not sent.
func TestHandler_LeavesOutForebaysOwnLines(t *testing.T) {
	var r producertest.Recorder
	h := newHandler(t, &r, nil)
	own := slogcore.New(slog.New(h).With("a", 1).WithGroup("g").Handler())
	own.Warn("cluster down", zap.String("cluster", "a"))
	own.With(zap.Int("b", 1)).Warn("cluster down")
	slog.New(h).Warn("cluster down")
	require.Len(t, r.Records(), 1)
	require.Equal(t, logs.Stats{Own: 2, Sent: 1, Dropped: map[error]uint64{}}, h.Stats())
}

// A value that changes after With is written as it was, and by many goroutines at the same time.
func TestHandler_ConcurrentSafe(t *testing.T) {
	var r producertest.Recorder
	h := newHandler(t, &r, nil)
	list := []int{1}
	log := slog.New(h).With("list", list).WithGroup("g")
	list[0] = 2
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			mine := log.With("i", i)
			for n := range 50 {
				mine.Info("said", "n", n, slog.Group("in", "i", i))
				list := []any{n}
				log.With("mine", list).Info("said", "n", n, "i", i, slog.Group("in", "i", i))
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 800, h.Stats().Sent)
	for _, rec := range r.Records() {
		got := logstest.Parsed(t, rec.Value)
		require.Equal(t, []any{1.}, got["list"])
		g := got["g"].(map[string]any)
		require.Equal(t, map[string]any{"i": g["i"]}, g["in"])
		if mine, ok := g["mine"]; ok {
			require.Equal(t, []any{g["n"]}, mine)
		}
	}
}

func TestHandler_NamesTheSource(t *testing.T) {
	var r producertest.Recorder
	for _, replace := range []func([]string, slog.Attr) slog.Attr{nil, keep} {
		log := slog.New(newHandler(t, &r, &forebayslog.Options{AddSource: true, ReplaceAttr: replace}))
		_, file, line, _ := runtime.Caller(0)
		log.Info("said")
		source := logstest.Last(t, &r)["source"].(map[string]any)
		require.Equal(t, file, source["file"])
		require.EqualValues(t, line+1, source["line"])
		require.Contains(t, source["function"], "TestHandler_NamesTheSource")
		require.NoError(t, log.Handler().Handle(t.Context(), slog.Record{Message: "no place"}))
		require.NotContains(t, logstest.Last(t, &r), "source")
	}
}

func TestHandler_NamesTheGroupsToReplaceAttr(t *testing.T) {
	var r producertest.Recorder
	seen := make(map[string][]string)
	log := slog.New(newHandler(t, &r, &forebayslog.Options{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			seen[a.Key] = slices.Clone(groups)
			if a.Key == "drop" {
				return slog.Attr{}
			}
			return a
		}}))
	log.With("a", 1).WithGroup("g").With("b", 1).WithGroup("h").Info("said", "c", 1,
		slog.Group("left", "drop", 1), slog.Group("i", "d", 1, slog.Group("", "e", 1)))
	require.Equal(t, map[string][]string{"time": nil, "level": nil, "msg": nil, "a": nil, "b": {"g"},
		"c": {"g", "h"}, "drop": {"g", "h", "left"}, "d": {"g", "h", "i"}, "e": {"g", "h", "i"}}, seen)
	got := logstest.Last(t, &r)
	delete(got, "time")
	require.Equal(t, map[string]any{"level": "INFO", "msg": "said", "a": 1., "g": map[string]any{
		"b": 1., "h": map[string]any{"c": 1., "i": map[string]any{"d": 1., "e": 1.}}}}, got)
}

func keep(_ []string, a slog.Attr) slog.Attr { return a }
