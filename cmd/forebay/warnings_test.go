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
	log := zap.New(warnings{newDisplay(out, false, true), zap.WarnLevel}).With(zap.String("cluster",
		"kafka"))
	log.Info("cluster up")
	log.Warn("cluster down", zap.String("was", "up"), zap.String("reason", "a:1: EOF"))
	log.Error("no", zap.Error(errors.New("why")))
	require.NoError(t, log.Sync())
	require.Equal(t, "forebay: cluster down: a:1: EOF\nforebay: no: why\n", out.String())
}

// "It does not exist" is no help without the topic, nor is the reason without what ends it.
func TestWarnings_NameTheTopicAndTheRemedy(t *testing.T) {
	out := new(syncBuffer)
	log := zap.New(warnings{newDisplay(out, false, true), zap.WarnLevel})
	log.Warn("records wait", zap.String("topic", "plais"), zap.String("cause", "topic_missing"),
		zap.String("reason", "it does not exist"),
		zap.String("remedy", "correct its name"))
	log.Warn("records wait", zap.String("topic", ""), zap.String("reason", "a quota"),
		zap.String("remedy", ""))
	require.Equal(t,
		"forebay: records wait: topic plais: it does not exist; correct its name\nforebay: "+
			"records wait: a quota\n", out.String())
}

func TestWarnings_AreNotOfRefusalsThatAreSentAgain(t *testing.T) {
	out := new(syncBuffer)
	log := zap.New(warnings{newDisplay(out, false, true), zap.WarnLevel})
	refused := zap.Dict("medium", zap.Uint64(producer.ErrBufferFull.Error(), 4000))
	log.Warn("records were lost or refused", refused)
	log.Warn("records were lost or refused", zap.Dict("medium", zap.Uint64("closed", 3),
		zap.Uint64("unanswered at close", 1)))
	require.Empty(t, out.String())
	log.Warn("records were lost or refused", refused, zap.Dict("high", zap.Uint64("too large", 2),
		zap.Uint64(producer.ErrBufferFull.Error(), 1), zap.Uint64("delivery timeout", 1200)),
		zap.Dict("low", zap.Uint64("too large", 1)))
	require.Equal(t, "forebay: records were lost: 1,200 delivery timeout, 3 too large\n",
		out.String())
}
