package secure

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSource_ManyConnectionsShareACallAndTheNextOnesGetANewOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		s := NewSource("credentials", func(context.Context) (int, error) {
			time.Sleep(time.Second)
			calls++
			return calls, nil
		})
		for round := 1; round <= 2; round++ {
			var all sync.WaitGroup
			for range 10 {
				all.Go(func() {
					got, err := s.Get(t.Context())
					require.NoError(t, err)
					require.Equal(t, round, got)
				})
			}
			all.Wait()
		}
	})
}

// What comes too late for one connection is there for the next, but not for one that comes much
// later.
func TestSource_AConnectionWaitsTwoSecondsAndTheNextGetsWhatCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		s := NewSource("credentials", func(ctx context.Context) (int, error) {
			calls++
			n := calls
			select {
			case <-ctx.Done():
				return 0, ctx.Err()
			case <-time.After(3 * time.Second):
				return n, nil
			}
		})
		late := func() {
			t.Helper()
			began := time.Now()
			_, err := s.Get(t.Context())
			require.EqualError(t, err, "credentials: nothing came of it within 2s")
			require.True(t, Refused(err))
			require.Equal(t, callWait, time.Since(began))
		}
		late()
		got, err := s.Get(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, got)
		late()
		time.Sleep(time.Minute)
		late()
		got, err = s.Get(t.Context())
		require.NoError(t, err)
		require.Equal(t, 3, got)
	})
}

func TestSource_SurvivesErrorsAndPanicsAndDoesNotRepeatWhatWasPanickedWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var do func() (int, error)
		s := NewSource("credentials", func(context.Context) (int, error) { return do() })
		says := func(want string, fn func() (int, error)) {
			t.Helper()
			do = fn
			_, err := s.Get(t.Context())
			require.EqualError(t, err, want)
		}
		says("credentials: no vault", func() (int, error) { return 0, errors.New("no vault") })
		says("credentials panicked: with a string", func() (int, error) { panic("hunter2") })
		says("credentials panicked: runtime error: invalid memory address or nil pointer "+
			"dereference", func() (int, error) {
			var p *int
			return *p, nil
		})
	})
}

// A function that heeds no context takes one goroutine, however many connections want something of
// it.
func TestSource_AFunctionThatHangsIsNotCalledAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		free := make(chan struct{})
		s := NewSource("credentials", func(context.Context) (int, error) {
			calls.Add(1)
			<-free
			return 7, nil
		})
		for range 20 {
			_, err := s.Get(t.Context())
			require.Error(t, err)
		}
		require.EqualValues(t, 1, calls.Load())
		close(free)
		got, err := s.Get(t.Context())
		require.NoError(t, err)
		require.Equal(t, 7, got)
	})
}
