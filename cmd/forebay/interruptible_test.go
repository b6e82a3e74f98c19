package main

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

func TestInterruptible_ReadsWhatTheReaderBelowHas(t *testing.T) {
	want := strings.Repeat("0123456789", 50_000)
	require.NoError(t, iotest.TestReader(newInterruptible(t.Context(), strings.NewReader(want)),
		[]byte(want)))
}

func TestInterruptible_ReturnsWhileTheReadBelowHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs, writer := io.Pipe()
		defer writer.Close()
		ctx, cancel := context.WithCancel(t.Context())
		r := newInterruptible(ctx, hangs)
		got := make(chan error, 1)
		go func() {
			_, err := r.Read(make([]byte, 10))
			got <- err
		}()
		synctest.Wait()
		require.Empty(t, got)
		cancel()
		require.ErrorIs(t, <-got, context.Canceled)
		_, err := r.Read(make([]byte, 10))
		require.ErrorIs(t, err, context.Canceled)
	})
}
