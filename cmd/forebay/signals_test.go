package main

import (
	"context"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestInterrupts_FirstSignalEndsReadingAndTheGraceEndsClosing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signals := make(chan os.Signal, 2)
		reading, closing, stop := interrupts(t.Context(), signals, time.Minute)
		defer stop()
		time.Sleep(time.Hour)
		require.NoError(t, reading.Err())
		signals <- os.Interrupt
		time.Sleep(time.Minute - 1)
		require.Error(t, reading.Err())
		require.NoError(t, closing.Err())
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		require.Error(t, closing.Err())
	})
}

func TestInterrupts_SecondSignalEndsClosing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signals := make(chan os.Signal, 2)
		reading, closing, stop := interrupts(t.Context(), signals, time.Minute)
		defer stop()
		signals <- os.Interrupt
		time.Sleep(echo - 1)
		signals <- os.Interrupt // the echo of the first
		synctest.Wait()
		require.Error(t, reading.Err())
		require.NoError(t, closing.Err())
		time.Sleep(time.Nanosecond)
		signals <- os.Interrupt
		synctest.Wait()
		require.Error(t, closing.Err())
	})
}

func TestInterrupts_EndWithTheContextOrStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		reading, closing, stop := interrupts(ctx, nil, time.Minute)
		cancel()
		require.Error(t, reading.Err())
		require.Error(t, closing.Err())
		stop()
		_, _, stop = interrupts(t.Context(), nil, time.Minute)
		stop() // the bubble fails the test if the goroutine stays
	})
}
