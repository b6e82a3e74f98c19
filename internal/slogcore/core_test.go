package slogcore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"pgregory.net/rapid"
)

// written returns the line that do logs, as slog's JSON handler writes it.
func written(t require.TestingT, o *slog.HandlerOptions, do func(*zap.Logger)) map[string]any {
	var text bytes.Buffer
	do(New(slog.NewJSONHandler(&text, o)))
	return parsed(t, text.String())
}

func parsed(t require.TestingT, text string) map[string]any {
	if text == "" {
		return nil
	}
	require.Equal(t, 1, strings.Count(text, "\n"), text)
	line := make(map[string]any)
	require.NoError(t, json.Unmarshal([]byte(text), &line))
	return line
}

// A line says the same through slog as zap's own encoder writes.
func TestCore_SaysWhatZapSays(t *testing.T) {
	key := rapid.StringMatching(`[a-z]{1,3}`)
	text := rapid.StringMatching(`[ -~äß]{0,8}`)
	field := rapid.Custom(func(t *rapid.T) zap.Field {
		k := key.Draw(t, "key")
		switch rapid.IntRange(0, 10).Draw(t, "kind") {
		case 0:
			return zap.Int16(k, rapid.Int16().Draw(t, "value"))
		case 1:
			return zap.Uint64(k, uint64(rapid.Uint32().Draw(t, "value")))
		case 2:
			return zap.Bool(k, rapid.Bool().Draw(t, "value"))
		case 3:
			return zap.NamedError(k, errors.New(text.Draw(t, "value")))
		case 4:
			return zap.Strings(k, rapid.SliceOfN(text, 1, 3).Draw(t, "value"))
		case 5:
			return zap.ByteString(k, []byte(text.Draw(t, "value")))
		case 6:
			return zap.Stringer(k, zapcore.Level(rapid.Int8Range(-1, 3).Draw(t, "value")))
		case 7:
			return zap.Dict(k, zap.String("a", text.Draw(t, "value")),
				zap.Dict("b", zap.Int("c", 1)))
		case 8:
			return zap.Namespace(k)
		case 9:
			return zap.Float64(k, float64(rapid.Int16().Draw(t, "value"))/8)
		default:
			return zap.String(k, text.Draw(t, "value"))
		}
	})
	fields := rapid.SliceOfNDistinct(field, 0, 6, func(f zap.Field) string { return f.Key })
	rapid.Check(t, func(t *rapid.T) {
		always, once := fields.Draw(t, "always"), fields.Draw(t, "once")
		for i := range once {
			once[i].Key += "0" // another than those of always
		}
		// slog leaves out a group that is empty, and zap does not: none is.
		once = append(once, zap.Int("last", 1))
		message := text.Draw(t, "message")
		log := func(l *zap.Logger) { l.With(always...).Warn(message, once...) }

		got := written(t, nil, log)

		var want bytes.Buffer
		log(zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zapcore.EncoderConfig{MessageKey: "msg",
			LevelKey:    "level",
			EncodeLevel: zapcore.CapitalLevelEncoder}), zapcore.AddSync(&want), zap.DebugLevel)))
		require.NotEmpty(t, got["time"])
		delete(got, "time")
		require.Equal(t, parsed(t, want.String()), got)
	})
}

func TestCore_AsksTheHandlerForItsLevel(t *testing.T) {
	for zaps, slogs := range map[zapcore.Level]slog.Level{
		zap.DebugLevel: slog.LevelDebug, zap.InfoLevel: slog.LevelInfo, zap.WarnLevel: slog.LevelWarn, zap.ErrorLevel: slog.LevelError,
	} {
		at := func(least slog.Level) map[string]any {
			return written(t, &slog.HandlerOptions{Level: least},
				func(l *zap.Logger) { l.Log(zaps, "said") })
		}
		require.Equal(t, slogs.String(), at(slogs)["level"])
		require.Nil(t, at(slogs+1))
	}
	require.Greater(t, level(zap.DPanicLevel), slog.LevelError)
}

func TestCore_NamesTheSourceAndTheLogger(t *testing.T) {
	_, file, line, _ := runtime.Caller(0)
	got := written(t, &slog.HandlerOptions{AddSource: true}, func(l *zap.Logger) {
		l.Named("a").Info("said")
	})
	source := got["source"].(map[string]any)
	require.Equal(t, file, source["file"])
	require.EqualValues(t, line+2, source["line"])
	require.Equal(t, "a", got["logger"])
}

// slogtest tests handlers, and a core is none: forward makes one of it.
func TestCore_KeepsTheRulesOfHandlers(t *testing.T) {
	var text bytes.Buffer
	slogtest.Run(t, func(t *testing.T) slog.Handler {
		text.Reset()
		return forward{New(slog.NewJSONHandler(&text, nil)).Core()}
	}, func(t *testing.T) map[string]any { return parsed(t, text.String()) })
}

// forward is a handler that hands what it gets to a core, as the fields that zap has for it.
type forward struct{ zapcore.Core }

func (f forward) Enabled(context.Context, slog.Level) bool { return true }

func (f forward) WithAttrs(attrs []slog.Attr) slog.Handler { return forward{f.With(fieldsOf(attrs))} }

func (f forward) WithGroup(name string) slog.Handler {
	return forward{f.With([]zap.Field{zap.Namespace(name)})}
}

func (f forward) Handle(_ context.Context, r slog.Record) error {
	var attrs []slog.Attr
	r.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, a)
		return true
	})
	return f.Write(zapcore.Entry{Time: r.Time, Message: r.Message,
		Level: zapcore.Level(r.Level / 4)}, fieldsOf(attrs))
}

func fieldsOf(attrs []slog.Attr) (fields []zap.Field) {
	for _, a := range attrs {
		switch v := a.Value.Resolve(); {
		case v.Kind() != slog.KindGroup:
			fields = append(fields, zap.Any(a.Key, v.Any()))
		case a.Key == "":
			fields = append(fields, fieldsOf(v.Group())...)
		default:
			fields = append(fields, zap.Dict(a.Key, fieldsOf(v.Group())...))
		}
	}
	return fields
}

// A value of zap's is not one of slog's: what a handler gets are plain values, also where it does
// not write JSON.
func TestCore_HandsPlainValuesOn(t *testing.T) {
	var text bytes.Buffer
	New(slog.NewTextHandler(&text, nil)).Error("said", zap.Duration("took", time.Second),
		zap.Error(errors.New("no")),
		zap.Dict("lost", zap.Uint64("closed", 3)), zap.Strings("names", []string{"a", "b"}))
	require.Contains(t, text.String(),
		`level=ERROR msg=said took=1s error=no lost.closed=3 names="[a b]"`)
}
