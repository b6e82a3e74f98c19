package zap_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/forebay-go/forebay/internal/ownline"
	"github.com/forebay-go/forebay/logs"
	"github.com/forebay-go/forebay/logs/internal/logstest"
	forebayzap "github.com/forebay-go/forebay/logs/zap"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/producertest"
	"github.com/forebay-go/forebay/routing"
)

func newCore(t testing.TB, s producer.Sender, o *forebayzap.Options) *forebayzap.Core {
	core, err := forebayzap.New(s, "logs", o)
	require.NoError(t, err)
	return core
}

func TestCore_SendsARecordForEachLine(t *testing.T) {
	var r producertest.Recorder
	core := newCore(t, &r, &forebayzap.Options{
		Headers: []producer.Header{{Key: "version", Value: []byte("1")}},
		Fields:  []zap.Field{zap.String("service", "shop")},
		Key: func(e zapcore.Entry, fields []zap.Field) []byte {
			return []byte(e.Message + fields[0].Key)
		},
	})
	log := zap.New(core, zap.AddCaller(), zap.AddStacktrace(zap.ErrorLevel)).Named("a").Named("b")
	_, file, line, _ := runtime.Caller(0)
	log.With(zap.Int("with", 1), zap.Namespace("g")).Error("said", zap.Duration("took", time.Second))
	rec := r.Records()[0]
	require.Equal(t, "logs", rec.Topic)
	require.Equal(t, "saidtook", string(rec.Key))
	require.Equal(t, routing.High, rec.Priority)
	require.Equal(t, []producer.Header{{Key: "version", Value: []byte("1")}}, rec.Headers)
	require.True(t, rec.Timestamp.IsZero(), "Kafka rejects times that are far ahead")
	require.NotContains(t, string(rec.Value), "\n")
	got := logstest.Last(t, &r)
	require.Contains(t, got["stacktrace"], "TestCore_SendsARecordForEachLine")
	require.Equal(t, zapcore.NewEntryCaller(0, file, line+1, true).TrimmedPath(), got["caller"])
	_, err := time.Parse(time.RFC3339Nano, got["time"].(string))
	require.NoError(t, err)
	for _, key := range []string{"stacktrace", "caller", "time"} {
		delete(got, key)
	}
	require.Equal(t, map[string]any{"level": "ERROR", "msg": "said", "logger": "a.b",
		"service": "shop", "with": 1., "g": map[string]any{"took": 1e9}}, got)
	require.Equal(t, logs.Stats{Sent: 1, Dropped: map[error]uint64{}}, core.Stats())
	require.NoError(t, log.Sync())
}

func TestCore_TakesAnotherEncoder(t *testing.T) {
	var r producertest.Recorder
	log := zap.New(newCore(t, &r, &forebayzap.Options{
		Encoder: zapcore.NewConsoleEncoder(zapcore.EncoderConfig{MessageKey: "m", LineEnding: "!"})}))
	log.Info("said", zap.Int("n", 1))
	require.Equal(t, "said\t{\"n\": 1}!", string(r.Records()[0].Value))
}

func TestCore_GivesEachLevelItsPriority(t *testing.T) {
	var r producertest.Recorder
	all := &forebayzap.Options{Level: zapcore.Level(math.MinInt8)}
	of := func(core *forebayzap.Core, l zapcore.Level) routing.Priority {
		require.NoError(t, core.Write(zapcore.Entry{Level: l}, nil))
		sent := r.Records()
		return sent[len(sent)-1].Priority
	}
	for level, want := range map[zapcore.Level]routing.Priority{
		zap.FatalLevel: routing.High, math.MaxInt8: routing.High, zap.ErrorLevel: routing.High,
		zap.WarnLevel: routing.Medium, zap.InfoLevel: routing.Medium,
		zap.DebugLevel: routing.Low, math.MinInt8: routing.Low,
	} {
		require.Equal(t, want, of(newCore(t, &r, all), level), "%v", level)
	}
	all.Priorities = map[zapcore.Level]routing.Priority{zap.WarnLevel: routing.High}
	require.Equal(t, routing.High, of(newCore(t, &r, all), zap.ErrorLevel))
	require.Equal(t, routing.Unset, of(newCore(t, &r, all), zap.InfoLevel))
}

func TestCore_SendsOnlyFromItsLevelOn(t *testing.T) {
	var r producertest.Recorder
	level := zap.NewAtomicLevelAt(zap.WarnLevel)
	log := zap.New(newCore(t, &r, &forebayzap.Options{Level: level}))
	log.Info("not sent")
	level.SetLevel(zap.InfoLevel)
	log.Info("sent")
	require.Len(t, r.Records(), 1)
	zap.New(newCore(t, &r, nil)).Debug("not sent")
	require.Len(t, r.Records(), 1)
}

func TestNew_NamesWhatIsWrong(t *testing.T) {
	_, err := forebayzap.New(nil, "a b", &forebayzap.Options{SyncTimeout: -time.Second,
		Headers:    []producer.Header{{Value: []byte("a")}},
		Priorities: map[zapcore.Level]routing.Priority{zap.WarnLevel: 77},
	})
	for _, want := range []string{"the sender is nil: give a *producer.Producer",
		`topic "a b": invalid record: the name`,
		"header 0 has no key: name it", "option Priorities: level warn",
		"option SyncTimeout: -1s is negative: write 0"} {
		require.ErrorContains(t, err, want)
	}
}

// panics panics whatever it is asked for.
type panics struct{}

func (panics) MarshalJSON() ([]byte, error) { panic("no JSON today") }
func (panics) Error() string                { panic("no text today") }
func (panics) String() string               { panic("no text today") }
func (panics) MarshalLogObject(e zapcore.ObjectEncoder) error {
	e.AddInt("half", 1)
	panic("no object today")
}

func TestCore_WritesPanicsAsText(t *testing.T) {
	var r producertest.Recorder
	log := zap.New(newCore(t, &r, nil))
	log.With(zap.Int("a", 1), zap.Object("with", panics{}), zap.Namespace("g"), zap.Int("b", 1)).
		Error("said", zap.Int("c", 1), zap.Reflect("json", panics{}), zap.NamedError("error", panics{}),
			zap.Stringer("text", panics{}), zap.Object("object", panics{}),
			zap.Field{Key: "type", Type: 99}, zap.Reflect("func", func() {}), zap.Int("after", 1))
	got := logstest.Last(t, &r)
	require.Equal(t, "!PANIC: no object today", got["with"])
	require.Equal(t, 1., got["a"])
	g := got["g"].(map[string]any)
	for key, want := range map[string]any{"b": 1., "c": 1., "after": 1.,
		"json": "!PANIC: no JSON today", "errorError": "PANIC=no text today",
		"textError": "PANIC=no text today", "object": "!PANIC: no object today",
		"type": "!PANIC: unknown field type: {type 99 0  <nil>}"} {
		require.Equal(t, want, g[key], key)
	}
	require.Contains(t, g["funcError"], "unsupported type")
}

// brokenEncoder encodes no line.
type brokenEncoder struct{ zapcore.Encoder }

func (b brokenEncoder) Clone() zapcore.Encoder { return brokenEncoder{b.Encoder.Clone()} }

func (b brokenEncoder) EncodeEntry(e zapcore.Entry, _ []zap.Field) (*buffer.Buffer, error) {
	switch e.Message {
	case "panic":
		panic("no line today")
	case "exit":
		runtime.Goexit()
	}
	return nil, errors.New("no line today")
}

func TestCore_CountsWhatItCannotEncode(t *testing.T) {
	var r producertest.Recorder
	core := newCore(t, &r, &forebayzap.Options{
		Encoder: brokenEncoder{zapcore.NewJSONEncoder(forebayzap.EncoderConfig())}})
	for _, message := range []string{"panic", "error"} {
		require.NoError(t, core.Write(zapcore.Entry{Message: message}, []zap.Field{zap.Int("a", 1)}))
	}
	var logger sync.WaitGroup
	logger.Go(func() { _ = core.Write(zapcore.Entry{Message: "exit"}, nil) })
	logger.Wait()
	require.Empty(t, r.Records())
	require.Equal(t, logs.Stats{Dropped: map[error]uint64{logs.ErrNotEncoded: 3}}, core.Stats())
}

func TestCore_SurvivesItsKey(t *testing.T) {
	var r producertest.Recorder
	zap.New(newCore(t, &r, &forebayzap.Options{
		Key: func(zapcore.Entry, []zap.Field) []byte { panic("no key today") }})).Info("said")
	require.Nil(t, r.Records()[0].Key)
}

func TestCore_SyncWaitsAsLongAsItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f logstest.Flusher
		begin := time.Now()
		require.NoError(t, newCore(t, &f, nil).Sync())
		require.Zero(t, f.Flushed, "without the option")
		core := newCore(t, &f, &forebayzap.Options{SyncTimeout: time.Second})
		require.ErrorIs(t, core.Sync(), context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(begin))
		require.NoError(t, core.Write(zapcore.Entry{Level: zap.PanicLevel}, nil))
		require.Equal(t, 1, f.Flushed, "the program goes on")
		require.NoError(t, core.Write(zapcore.Entry{Level: zap.FatalLevel}, nil))
		require.Equal(t, 2, f.Flushed, "zap ends the program")
		without := newCore(t, logstest.Refuse(nil), &forebayzap.Options{SyncTimeout: time.Hour})
		require.NoError(t, without.Sync())
	})
}

func TestCore_ReportsDropsOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		drops, told := observer.New(zap.WarnLevel)
		core := newCore(t, logstest.Refuse(producer.ErrBufferFull),
			&forebayzap.Options{Drops: drops})
		count := func() int {
			synctest.Wait()
			return told.Len()
		}
		zap.New(core).Info("first")
		require.Equal(t, 1, count(), "at once")
		for range 59 {
			require.NoError(t, core.Write(zapcore.Entry{}, nil))
			time.Sleep(time.Second)
		}
		require.Equal(t, 1, count())
		time.Sleep(time.Second)
		require.Equal(t, 2, count())
		require.Equal(t, map[string]any{"topic": "logs", "lines": uint64(59), "error": "buffer full",
			"reasons": map[string]any{"buffer full": uint64(59)}}, told.All()[1].ContextMap())
		time.Sleep(time.Hour)
		require.Equal(t, 2, count(), "nothing more was dropped")
		require.EqualValues(t, 60, core.Stats().Drops())
	})
}

func TestCore_LeavesOutForebaysOwnLines(t *testing.T) {
	var r producertest.Recorder
	core := newCore(t, &r, nil)
	log := zap.New(core)
	log.With(zap.Int("a", 1)).Warn("cluster down", ownline.Field(), zap.Int("b", 1))
	log.With(ownline.Field()).With(zap.Int("a", 1)).Warn("cluster down")
	log.Warn("cluster down", zap.Skip())
	require.Len(t, r.Records(), 1)
	require.Equal(t, logs.Stats{Own: 2, Sent: 1, Dropped: map[error]uint64{}}, core.Stats())
}

// A value that changes after With is written as it was, and by many goroutines at the same time.
func TestCore_ConcurrentSafe(t *testing.T) {
	var r producertest.Recorder
	core := newCore(t, &r, nil)
	list := []int{1}
	log := zap.New(core).With(zap.Reflect("list", list), zap.Namespace("g"))
	list[0] = 2
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 50 {
				log.With(zap.Int("mine", n)).Info("said", zap.Int("n", n), zap.Int("i", i))
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 400, core.Stats().Sent)
	var seen []int
	for _, rec := range r.Records() {
		var got struct {
			List []int
			G    struct{ Mine, N, I int }
		}
		require.NoError(t, json.Unmarshal(rec.Value, &got))
		require.Equal(t, []int{1}, got.List)
		require.Equal(t, got.G.N, got.G.Mine)
		seen = append(seen, got.G.I*50+got.G.N)
	}
	slices.Sort(seen)
	require.Len(t, slices.Compact(seen), 400)
}
