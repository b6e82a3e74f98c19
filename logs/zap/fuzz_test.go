package zap_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/forebay-go/forebay/producertest"
)

// FuzzCore: any fields make one line of JSON, and nothing panics.
func FuzzCore(f *testing.F) {
	f.Add("a", "said", "text", int64(1), uint8(zapcore.StringType))
	f.Add("", "\xff", "\u2028\"", int64(-1), uint8(zapcore.ObjectMarshalerType))
	f.Fuzz(func(t *testing.T, key, message, text string, n int64, kind uint8) {
		var r producertest.Recorder
		core := newCore(t, &r, nil)
		fields := []zap.Field{zap.String(key, text), zap.Int64(key, n),
			{Key: key, Type: zapcore.FieldType(kind), Integer: n, String: text},
			zap.NamedError(key, errors.New(text)), zap.Any(text, []string{text, key}),
			zap.Reflect(key, map[string]any{key: text}), zap.Binary(key, []byte(text))}
		log := zap.New(core).Named(text).With(fields[n&3]).With(zap.Namespace(key))
		log.Info(message, fields...)
		require.True(t, json.Valid(r.Records()[0].Value), "%s", r.Records()[0].Value)
	})
}
