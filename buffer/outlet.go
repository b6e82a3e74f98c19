package buffer

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Outlet is where a dispatcher learns of the topics that have something to send for it. Every topic
// has one at a time. It is safe for concurrent use.
type Outlet struct {
	// one slot; sent by whoever gives the dispatcher work, received by it; never closed
	wake chan struct{}
	// fires when an open batch has lingered of which the dispatcher was not told
	ripe *time.Timer
	// somebody will look at open batches when the first has lingered: the dispatcher by itself, or
	// because ripe fires
	armed atomic.Bool

	// guards what follows; taken inside the lock of a topic, never the other way
	mu       sync.Mutex
	incoming []*Topic // those that have work the dispatcher does not know of
}

// NewOutlet returns an outlet to which nothing is assigned.
func NewOutlet() *Outlet {
	o := &Outlet{wake: make(chan struct{}, 1), ripe: time.NewTimer(time.Hour)}
	o.ripe.Stop()
	return o
}

// Woken returns the channel on which the dispatcher is told that there is work. It holds one
// signal.
func (o *Outlet) Woken() <-chan struct{} { return o.wake }

// Wake tells the dispatcher that there is work.
func (o *Outlet) Wake() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// Ripe returns the channel of a timer that fires when a batch has lingered of whose opening the
// dispatcher was not told: as long as a batch lingers, there was nothing to do for it but to wait.
func (o *Outlet) Ripe() <-chan time.Time { return o.ripe.C }

// ripen has Ripe fire after a linger, unless somebody will look by then.
func (o *Outlet) ripen(linger time.Duration) {
	if o.armed.CompareAndSwap(false, true) {
		o.ripe.Reset(linger)
	}
}

// Look must be called by the dispatcher before it looks at what waits: it will see every batch that
// was opened before, and is told of those that are opened afterwards.
func (o *Outlet) Look() {
	o.armed.Store(false)
	o.ripe.Stop()
}

// Arm says that the dispatcher will look by itself when the first of the open batches that it has
// seen has lingered. Until then, a new one does not wake it.
func (o *Outlet) Arm() { o.armed.Store(true) }

// Incoming moves the topics that got work since the last call to dst, but for those that were
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

// Assign has t's work go to o from now on. The dispatcher that had it until now must have let go of
// t: it surveys and takes nothing of it any more.
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
	if !t.unkeyed.empty() || t.undealt.head != nil {
		return true
	}
	for _, s := range t.bound {
		if !s.empty() {
			return true
		}
	}
	return false
}
