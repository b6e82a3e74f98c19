package main

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStory_FallsBackReturnsAndBalances(t *testing.T) {
	var out bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	const some = 300 * time.Millisecond

	require.NoError(t, story(ctx, &out, pace{before: some, away: some, after: some,
		fallbackAfter: some, returnAfter: some, switchEvery: some}))

	t.Log(out.String())
	require.Contains(t, out.String(), "high fell back: from main to spare")
	require.Contains(t, out.String(), "high returned: from spare to main")
	require.Contains(t, out.String(), "high returned: from main to spare",
		"after the order has changed")
	require.Contains(t, out.String(), "the books balance")
}

func TestStory_SaysSoWhenNothingFallsBack(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	out := writerFunc(func(b []byte) { // from here on the story waits for the fallback
		if bytes.Contains(b, []byte("is cut")) {
			interrupt()
		}
	})

	err := story(ctx, out, pace{before: time.Millisecond, fallbackAfter: time.Hour})

	require.ErrorContains(t, err, "nothing falls back")
	require.ErrorIs(t, err, context.Canceled)
}

type writerFunc func([]byte)

func (f writerFunc) Write(b []byte) (int, error) { f(b); return len(b), nil }
