package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
)

func TestRoom_WaitEndsSoonAfterAReportAndElseByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom()
		start := time.Now()
		require.NoError(t, r.wait(t.Context()))
		require.Equal(t, longest, time.Since(start))

		start = time.Now()
		time.AfterFunc(time.Millisecond, func() {
			for range 1000 {
				r.report(producer.Report{}) // never waits
			}
		})
		require.NoError(t, r.wait(t.Context()))
		require.Equal(t, time.Millisecond+settle, time.Since(start))
	})
}

func TestRoom_WaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom()
		ctx, cancel := context.WithTimeout(t.Context(), time.Microsecond)
		defer cancel()
		start := time.Now()
		require.ErrorIs(t, r.wait(ctx), context.DeadlineExceeded)
		require.Equal(t, time.Microsecond, time.Since(start))
	})
}
