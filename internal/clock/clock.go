// Package clock tells the time cheaply: a monotonic one, by which everything is timed, and the wall clock, by which
// records are stamped and nothing else.
package clock

import (
	"sync/atomic"
	"time"
)

// resync is how long the wall clock may lag behind a jump of the system's.
const resync = 100 * time.Millisecond

// Clock is safe for concurrent use. Reading only the monotonic clock costs half of what time.Now does, and that was half
// of Send; the wall clock is therefore derived from it and read anew every 100 ms.
type Clock struct {
	start  time.Time
	offset atomic.Int64 // wall clock minus monotonic clock, in nanoseconds
	synced atomic.Int64 // monotonic time when offset was read
}

// New returns a clock whose monotonic time starts now.
func New() *Clock {
	c := &Clock{start: time.Now()}
	c.offset.Store(c.start.UnixNano())
	return c
}

// Mono returns the time since New, by a clock that no change of the system's time moves.
func (c *Clock) Mono() time.Duration { return time.Since(c.start) }

// Now returns the monotonic time, and the wall clock in milliseconds since 1970.
func (c *Clock) Now() (mono time.Duration, wallMillis int64) {
	mono = time.Since(c.start)
	if synced := c.synced.Load(); int64(mono)-synced > int64(resync) && c.synced.CompareAndSwap(synced, int64(mono)) {
		now := time.Now()
		c.offset.Store(now.UnixNano() - int64(now.Sub(c.start)))
	}
	return mono, (c.offset.Load() + int64(mono)) / int64(time.Millisecond)
}

// Time returns the moment of the wall clock that corresponds to mono.
func (c *Clock) Time(mono time.Duration) time.Time { return c.start.Add(mono) }
