// Package clock reads the time cheaply: the monotonic time, which times everything, and the wall
// clock, which only stamps records.
package clock

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	tick = time.Millisecond
	// busyCalls is how many calls in a tick make it worth to keep the time up to date for them.
	busyCalls = 200
	// checkTicks is how often it is checked, in ticks, whether there are still that many.
	checkTicks = 64
	// resync is how long the wall clock may lag behind a jump of the system's.
	resync = 100 * time.Millisecond
)

// Clock is safe for concurrent use. Reading the time was a third of Send: while there are more than
// 200 calls a millisecond, Now returns what a goroutine of the clock reads every millisecond. At a
// lower rate that goroutine does not run, because it would cost more than it saves. If it gets no
// processor, CatchUp makes up for it. The wall clock is derived from the monotonic one and read
// again every 100 ms.
type Clock struct {
	start  time.Time
	wall   func() time.Time
	cached atomic.Int64 // monotonic time as of the last tick, 0 while nobody keeps it up to date
	offset atomic.Int64 // wall clock minus monotonic clock, in nanoseconds
	synced atomic.Int64 // monotonic time when offset was read

	window atomic.Int64 // the tick that calls counts
	calls  atomic.Int64

	mu      sync.Mutex // guards what follows
	ticking bool
	stopped bool
	quit    chan struct{} // closed by Stop; received by run
	wg      sync.WaitGroup
}

// New returns a clock whose monotonic time starts now, and whose wall clock is wall, such as
// time.Now. Stop it.
func New(wall func() time.Time) *Clock {
	c := &Clock{wall: wall, quit: make(chan struct{})}
	c.offset.Store(wall().UnixNano())
	c.start = time.Now() // after that, or what passes in between would be ahead until the next sync
	return c
}

// Mono returns the time since New, by a clock that no change of the system's time moves.
func (c *Clock) Mono() time.Duration { return time.Since(c.start) }

// Now returns the monotonic time, and the wall clock in milliseconds since 1970. Both may be a tick
// old; neither is ever ahead.
func (c *Clock) Now() (mono time.Duration, wallMillis int64) {
	if cached := c.cached.Load(); cached != 0 {
		return time.Duration(cached), (c.offset.Load() + cached) / int64(time.Millisecond)
	}
	mono = time.Since(c.start)
	c.sync(mono)
	c.count(mono)
	return mono, (c.offset.Load() + int64(mono)) / int64(time.Millisecond)
}

// CatchUp makes up for a goroutine that gets no processor, which took seconds on a starved machine.
// Without it records would be stamped, and expire, that much too early. Call it once for some
// dozens of calls of Now.
func (c *Clock) CatchUp() {
	cached := c.cached.Load()
	mono := c.Mono()
	if cached == 0 || mono-time.Duration(cached) <= 2*tick {
		return
	}
	c.sync(mono)
	c.cached.CompareAndSwap(cached, int64(mono)) // unless the goroutine has come to it, or ended
}

// sync reads the wall clock, if that was long ago.
func (c *Clock) sync(mono time.Duration) {
	if synced := c.synced.Load(); int64(mono)-synced > int64(resync) &&
		c.synced.CompareAndSwap(synced, int64(mono)) {
		c.offset.Store(c.wall().UnixNano() - int64(time.Since(c.start)))
	}
}

// count counts a call, and starts the goroutine when there are many in a tick. It need not be
// exact.
func (c *Clock) count(mono time.Duration) {
	if window := int64(mono / tick); c.window.Load() != window {
		c.window.Store(window)
		c.calls.Store(0)
	}
	if c.calls.Add(1) != busyCalls {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ticking && !c.stopped {
		c.ticking = true
		c.cached.Store(int64(mono))
		c.wg.Go(c.run)
	}
}

// run keeps the time up to date until there are few calls, or Stop. Now and then it lets a tick
// pass in which calls are counted.
func (c *Clock) run() {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for n := 1; c.await(ticker); n++ {
		if n%checkTicks != 0 {
			mono := c.Mono()
			c.sync(mono)
			c.cached.Store(int64(mono))
			continue
		}
		c.calls.Store(0)
		c.window.Store(int64((c.Mono() + tick) / tick))
		c.cached.Store(0)
		c.await(ticker)
		c.mu.Lock()
		if c.stopped || c.calls.Load() < busyCalls/2 {
			c.ticking = false
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
		c.cached.Store(int64(c.Mono()))
	}
}

// await waits for the next tick. It returns false after Stop.
func (c *Clock) await(ticker *time.Ticker) bool {
	select {
	case <-ticker.C:
		return true
	case <-c.quit:
		c.cached.Store(0)
		return false
	}
}

// Stop ends the goroutine, if there is one, and waits for that. The clock goes on to tell the time.
func (c *Clock) Stop() {
	c.mu.Lock()
	if !c.stopped {
		c.stopped = true
		close(c.quit)
	}
	c.mu.Unlock()
	c.wg.Wait()
}
