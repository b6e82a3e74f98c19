package buffer

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Outlet is where a dispatcher learns of the topics that have something to send for it. Every topic has one at a time. It is
// safe for concurrent use.
type Outlet struct {
	wake  chan struct{} // one slot; sent by whoever gives the dispatcher work, received by it; never closed
	armed atomic.Bool   // the dispatcher will look at open batches by itself, when the first has lingered

	mu       sync.Mutex // guards what follows; taken inside the lock of a topic, never the other way
	incoming []*Topic   // those that have work the dispatcher does not know of
}

// NewOutlet returns an outlet to which nothing is assigned.
func NewOutlet() *Outlet { return &Outlet{wake: make(chan struct{}, 1)} }

// Woken returns the channel on which the dispatcher is told that there is work. It holds one signal.
func (o *Outlet) Woken() <-chan struct{} { return o.wake }

// Wake tells the dispatcher that there is work.
func (o *Outlet) Wake() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// Arm notes whether the dispatcher will look at open batches by itself. While it will, a new one does not wake it.
func (o *Outlet) Arm(armed bool) { o.armed.Store(armed) }

// Incoming moves the topics that got work since the last call to dst, but for those that were assigned to another outlet
// meanwhile.
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

// Wake tells the dispatcher of t that there is work.
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

// Assign has t's work go to o from now on. The dispatcher that had it until now must have let go of t: it surveys and takes
// nothing of it any more.
func (t *Topic) Assign(o *Outlet) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.outlet == o {
		return
	}
	t.outlet, t.listed = o, false
	if t.waitsLocked() {
		t.listLocked()
		o.Wake()
	}
}

// Reassign is Assign, if t's work goes to from.
func (t *Topic) Reassign(from, to *Outlet) {
	t.mu.Lock()
	is := t.outlet
	t.mu.Unlock()
	if is == from {
		t.Assign(to)
	}
}

func (t *Topic) waitsLocked() bool {
	if !t.unkeyed.empty() {
		return true
	}
	for _, s := range t.bound {
		if !s.empty() {
			return true
		}
	}
	return false
}
