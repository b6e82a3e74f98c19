package kgocompat

import (
	"sync"
	"sync/atomic"
)

// pending counts the records whose promises have not returned. For Flush it divides them into
// generations: those before a call of Flush, and those after it.
type pending struct {
	records, bytes atomic.Int64
	now            atomic.Pointer[generation] // which records join

	mu sync.Mutex // held by turn
}

// generation is the records between two calls of turn.
type generation struct {
	// n is how many of the records are pending, one more while records may join, and one more until
	// the generation before is over. It never rises from 0.
	n    atomic.Int64
	over chan struct{} // closed when n is 0
	next *generation   // set before n can be 0
}

func newGeneration(n int64) *generation {
	g := &generation{over: make(chan struct{})}
	g.n.Store(n)
	return g
}

// enter counts a record.
func (p *pending) enter(size int64) *generation {
	p.records.Add(1)
	p.bytes.Add(size)
	for {
		// at 0 another one has replaced it
		if g := p.now.Load(); g.join() {
			return g
		}
	}
}

func (g *generation) join() bool {
	for {
		n := g.n.Load()
		if n == 0 {
			return false
		}
		if g.n.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// leave is called when the promise of a record has returned.
func (p *pending) leave(g *generation, size int64) {
	p.records.Add(-1)
	p.bytes.Add(-size)
	g.release()
}

func (g *generation) release() {
	for ; g != nil && g.n.Add(-1) == 0; g = g.next {
		close(g.over)
	}
}

// turn begins a new generation. The channel is closed when no record that entered before is
// pending.
func (p *pending) turn() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	g := p.now.Load()
	g.next = newGeneration(2)
	p.now.Store(g.next) // before it can be over: enter would find nothing to join
	g.release()
	return g.over
}
