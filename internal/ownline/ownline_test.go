package ownline

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func TestMark_IsFoundWhereItIs(t *testing.T) {
	require.True(t, In(Context()))
	require.True(t, In(context.WithValue(Context(), "another", 1))) //nolint:revive,staticcheck // any key will do
	require.False(t, In(context.Background()))
	require.False(t, In(nil)) //nolint:staticcheck // handlers are called with nil, too
	require.True(t, Among([]zap.Field{zap.Int("a", 1), Field()}))
	require.False(t, Among([]zap.Field{zap.Skip(), zap.Any("ctx", Context()),
		{Type: zapcore.SkipType, Interface: context.Background()}}))
	require.False(t, Among(nil))
}

func TestField_IsNotWritten(t *testing.T) {
	text, err := zapcore.NewJSONEncoder(zapcore.EncoderConfig{SkipLineEnding: true}).
		EncodeEntry(zapcore.Entry{}, []zap.Field{Field()})
	require.NoError(t, err)
	require.Equal(t, "{}", text.String())
}
