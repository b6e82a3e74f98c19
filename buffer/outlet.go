package buffer

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Outlet informs a dispatcher which topics have work for it. Every topic has one outlet at a time.
// It is safe for concurrent use.
type Outlet struct {
	// one slot; sent by whoever gives the dispatcher work, received by it; never closed
	wake chan struct{}
	// fires when an open batch that the dispatcher does not know of has lingered
	ripe *time.Timer
	// how long open batches linger at the moment, where their settings give a range
	linger atomic.Int64
	// the monotonic time at which the dispatcher looks at open batches at the latest, by itself or
	// because ripe fires; changed under mu
	looks atomic.Int64

	// guards what follows; taken inside the lock of a topic, never the other way
	mu       sync.Mutex
	incoming []*Topic // those that have work the dispatcher does not know of
}

// NewOutlet returns an outlet to which nothing is assigned.
func NewOutlet() *Outlet {
	o := &Outlet{wake: make(chan struct{}, 1), ripe: time.NewTimer(time.Hour)}
	o.ripe.Stop()
	o.looks.Store(math.MaxInt64)
	return o
}

// Woken returns the channel that signals work to the dispatcher. It holds one signal.
func (o *Outlet) Woken() <-chan struct{} { return o.wake }

// Wake signals work to the dispatcher.
func (o *Outlet) Wake() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// Ripe returns the channel of a timer. It fires when a batch whose opening was not signalled has
// lingered: until then the dispatcher has nothing to do for it.
func (o *Outlet) Ripe() <-chan time.Time { return o.ripe.C }

// looksBy reports whether the dispatcher looks at open batches by a monotonic time.
func (o *Outlet) looksBy(at time.Duration) bool { return o.looks.Load() <= int64(at) }

// ripen has Ripe fire after linger from the monotonic time now on, unless the dispatcher will look
// by then.
func (o *Outlet) ripen(now, linger time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.looksBy(now + linger) {
		o.looks.Store(int64(now + linger))
		o.ripe.Reset(linger)
	}
}

// Look must be called by the dispatcher before it surveys topics. It then sees every batch that was
// opened before, and gets a signal for those opened later.
func (o *Outlet) Look() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.looks.Store(math.MaxInt64)
	o.ripe.Stop()
}

// Arm notes that the dispatcher will look by itself at a monotonic time. Until then, a new batch
// does not wake it that will not have lingered.
func (o *Outlet) Arm(at time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.looks.Store(min(o.looks.Load(), int64(at)))
}

// SetLinger notes how long open batches linger at the moment, where their settings give a range.
func (o *Outlet) SetLinger(linger time.Duration) { o.linger.Store(int64(linger)) }

// Incoming appends the topics that got work since the last call to dst, except those that were
// assigned to another outlet meanwhile.
func (o *Outlet) Incoming(dst []*Topic) []*Topic {
	o.mu.Lock()
	dst = append(dst, o.incoming...)
	clear(o.incoming)
	o.incoming = o.incoming[:0]
	o.mu.Unlock()
	return slices.DeleteFunc(dst, func(t *Topic) bool { return !t.goesTo(o) })
}

func (t *Topic) goesTo(o *Outlet) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.outlet == o
}

// Wake signals work to the dispatcher of t.
func (t *Topic) Wake() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.outlet.Wake()
}

func (o *Outlet) add(t *Topic) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.incoming = append(o.incoming, t)
}

// Assign gives t's work to o from now on. The dispatcher that had it before must no longer survey t
// or take from it.
func (t *Topic) Assign(o *Outlet) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.outlet == o {
		return
	}
	t.outlet, t.listed, t.served = o, false, false
	t.mixed = t.mixed || t.undealt.head != nil // the next one has to deal them out
	if t.waitsLocked() {
		t.listLocked()
		o.Wake()
	}
}

// Reassign is Assign to to, if t is assigned to from.
func (t *Topic) Reassign(from, to *Outlet) {
	t.mu.Lock()
	is := t.outlet
	t.mu.Unlock()
	if is == from {
		t.Assign(to)
	}
}

func (t *Topic) waitsLocked() bool {
	if !t.unkeyed.empty() || t.opened.Load() > 0 || t.eldestTimedLocked() != nil ||
		t.undealt.head != nil || t.onHold != nil {
		return true
	}
	for _, s := range t.bound {
		if !s.empty() {
			return true
		}
	}
	return false
}
