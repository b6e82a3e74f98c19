package dns

import (
	"sync"
	"time"
)

// crew is a group of goroutines that close waits for, but not for ever.
type crew struct {
	gone chan struct{} // closed by the last one after close, or by close

	mu     sync.Mutex // guards what follows
	n      int
	closed bool
}

func newCrew() *crew { return &crew{gone: make(chan struct{})} }

// run has fn run in a goroutine of its own, unless the crew is closed.
func (c *crew) run(fn func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.n++
	go func() {
		defer c.done()
		fn()
	}()
	return true
}

func (c *crew) done() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n--; c.n == 0 && c.closed {
		close(c.gone)
	}
}

// close lets no further goroutine begin, and waits for those that run.
func (c *crew) close(patience time.Duration) {
	c.mu.Lock()
	if !c.closed && c.n == 0 {
		close(c.gone)
	}
	c.closed = true
	c.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-c.gone:
	case <-timer.C:
	}
}
