package main

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/forebay-go/forebay/producer"
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

func TestWarnings_AreNotOfRefusalsThatAreSentAgain(t *testing.T) {
	out := new(syncBuffer)
	log := zap.New(warnings{newDisplay(out, false, true), zap.WarnLevel})
	refused := zap.Dict("medium", zap.Uint64(producer.ErrBufferFull.Error(), 4000))
	log.Warn("records were lost or refused", refused)
	require.Empty(t, out.String())
	log.Warn("records were lost or refused", refused, zap.Dict("high", zap.Uint64("too large", 2),
		zap.Uint64(producer.ErrBufferFull.Error(), 1), zap.Uint64("delivery timeout", 1200)), zap.Dict("low", zap.Uint64("too large", 1)))
	require.Equal(t, "forebay: records were lost: 1,200 delivery timeout, 3 too large\n", out.String())
}
