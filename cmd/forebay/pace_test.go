package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
)

func TestFeed_SendsEvenlyAtItsRate(t *testing.T) {
	for _, row := range []struct {
		rate  float64
		lines int
		takes time.Duration
		most  int // records at one instant
	}{
		{0, 1000, 0, 1000},
		{0.5, 4, 6 * time.Second, 1},
		{10, 31, 3 * time.Second, 1},
		{150, 301, 2 * time.Second, 1},
		{50_000, 50_500, time.Second, 500},
	} {
		t.Run(fmt.Sprint(row.rate), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				at := make(map[time.Duration]int)
				f := &feed{largest: maxRecordBytes, pace: newPace(row.rate), room: newRoom(),
					send: func(producer.Record) error {
						at[time.Since(began)]++
						return nil
					}}
				require.NoError(t, f.run(t.Context(), inputOf(t, strings.Repeat("a\n", row.lines))))
				require.InDelta(t, row.takes, time.Since(began), float64(time.Millisecond))
				require.Positive(t, at[0], "the first is sent at once")
				for after, n := range at {
					require.LessOrEqual(t, n, row.most, after)
				}
			})
		})
	}
}

func TestFeed_EndsWithItsContextWhileALineWaitsForItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		f := &feed{largest: maxRecordBytes, pace: newPace(1), room: newRoom(),
			send: func(producer.Record) error { sent++; return nil }}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(2500*time.Millisecond, cancel)
		require.ErrorIs(t, f.run(ctx, inputOf(t, strings.Repeat("a\n", 100))), context.Canceled)
		require.Equal(t, 3, sent)

		ctx, cancel = context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		require.ErrorIs(t, f.run(ctx, inputOf(t, strings.Repeat("a\n", 100))),
			context.DeadlineExceeded)
	})
}

func TestProduce_KeepsToItsRate(t *testing.T) {
	broker := newFake(t)
	began := time.Now()
	c := start(t, strings.NewReader("a\nb\nc\n"), produceArgs(broker.addr, "--rate", "10")...)
	require.Equal(t, exitOK, c.wait(t))
	require.GreaterOrEqual(t, time.Since(began), 200*time.Millisecond)
	require.Equal(t, []string{"a", "b", "c"}, values(broker.read(t)))
}
