package main

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
)

func TestWarnings_AreLinesOfTheScreen(t *testing.T) {
	out := new(syncBuffer)
	log := zap.New(warnings{newDisplay(out, false, true), zap.WarnLevel}).With(zap.String("cluster", "kafka"))
	log.Info("cluster up")
	log.Warn("cluster down", zap.String("was", "up"), zap.String("reason", "a:1: EOF"))
	log.Error("no", zap.Error(errors.New("why")))
	require.NoError(t, log.Sync())
	require.Equal(t, "forebay: cluster down: a:1: EOF\nforebay: no: why\n", out.String())
}
