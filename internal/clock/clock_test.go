package clock

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestClock_FollowsTheWallClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(time.Now)
		defer c.Stop()
		for range 1000 {
			mono, wall := c.Now()
			require.Equal(t, time.Now().UnixMilli(), wall)
			require.Equal(t, c.Mono(), mono)
			time.Sleep(7 * time.Millisecond)
		}
		require.False(t, c.isTicking(), "at a low rate nobody ticks")
	})
}

func TestClock_IsNeverAheadAndAtMostATickBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(time.Now)
		defer c.Stop()
		ticked := false
		for range 500 {
			for range 2 * busyCalls {
				mono, wall := c.Now()
				require.LessOrEqual(t, mono, c.Mono())
				require.LessOrEqual(t, c.Mono()-mono, 2*tick)
				require.LessOrEqual(t, time.Now().UnixMilli()-wall, int64(2))
				require.GreaterOrEqual(t, time.Now().UnixMilli(), wall)
			}
			ticked = ticked || c.cached.Load() != 0
			time.Sleep(tick)
		}
		require.True(t, ticked, "at a high rate the time is kept up to date")
		time.Sleep(2 * checkTicks * tick)
		require.False(t, c.isTicking(), "and no longer when the rate falls")
	})
}

func TestClock_IsNotAheadWhereNewWasInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(func() time.Time {
			time.Sleep(5 * time.Millisecond)
			return time.Now()
		})
		defer c.Stop()
		_, wall := c.Now()
		require.Equal(t, time.Now().UnixMilli(), wall)
	})
}

func TestClock_FollowsAJumpOfTheWallClockAndMovesNoTimer(t *testing.T) {
	for _, rate := range []int{1, 2 * busyCalls} {
		synctest.Test(t, func(t *testing.T) {
			var jump atomic.Int64
			c := New(func() time.Time { return time.Now().Add(time.Duration(jump.Load())) })
			defer c.Stop()
			for _, by := range []time.Duration{2 * time.Hour, -2 * time.Hour} {
				jump.Store(int64(by))
				jumped := time.Now()
				for time.Since(jumped) < time.Second {
					mono, wall := time.Duration(0), int64(0)
					for range rate {
						mono, wall = c.Now()
					}
					require.LessOrEqual(t, c.Mono()-mono, 2*tick)
					if time.Since(jumped) > resync+2*tick {
						require.InDelta(t, time.Now().Add(by).UnixMilli(), wall, 2)
					}
					time.Sleep(tick)
				}
			}
		})
	}
}

func (c *Clock) isTicking() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ticking
}

func TestClock_CatchesUpWhereItsGoroutineStarves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(time.Now)
		time.Sleep(time.Second)
		c.cached.Store(int64(time.Second)) // as a goroutine does that gets no processor from now on
		time.Sleep(20 * time.Second)
		c.CatchUp()
		mono, wall := c.Now()
		require.Equal(t, 21*time.Second, mono)
		require.Equal(t, time.Now().UnixMilli(), wall)
	})
}

// Close of a producer counts on it: its context may have a millisecond left.
func TestClock_StopsWithoutWaitingForATick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(time.Now)
		for range 2 * busyCalls {
			c.Now()
		}
		require.True(t, c.isTicking())
		begin := time.Now()
		c.Stop()
		require.Zero(t, time.Since(begin))
	})
}

func TestClock_Stop_ConcurrentSafe(t *testing.T) {
	c := New(time.Now)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100_000 {
				c.Now()
				c.CatchUp()
			}
		})
	}
	c.Stop()
	wg.Wait()
	c.Stop()
}
