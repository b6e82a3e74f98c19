package clock

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestClock_FollowsTheWallClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New()
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
		c := New()
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

func (c *Clock) isTicking() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ticking
}

func TestClock_Stop_ConcurrentSafe(t *testing.T) {
	c := New()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100_000 {
				c.Now()
			}
		})
	}
	c.Stop()
	wg.Wait()
	c.Stop()
}
