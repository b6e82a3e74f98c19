package buffer

import (
	"math/bits"
	"sync"
)

const (
	minClass      = 9       // 512 B: what the first record of an idle topic costs
	maxClass      = 20      // 1 MiB: larger buffers are made to measure and not kept
	maxIdle       = 4 << 20 // bytes that a pool keeps for the next batches; part of Stats().OverheadBytes
	maxClassBytes = 1 << maxClass
)

// Pool keeps the buffers of resolved batches for new ones, up to 4 MiB of them. It is safe for concurrent use.
//
// It is not a sync.Pool because what it keeps must be bounded and known, and survive collections: a producer makes the
// garbage collector run seldom, and then from the application's garbage.
type Pool struct {
	mu   sync.Mutex // guards what follows
	idle [maxClass + 1][][]byte
	held int64 // bytes in idle
}

// NewPool returns an empty pool.
func NewPool() *Pool { return new(Pool) }

// roundUp returns the capacity of the buffer that get returns for n bytes.
func roundUp(n int) int {
	if n > maxClassBytes {
		return (n + 4095) &^ 4095
	}
	return 1 << classOf(n)
}

func classOf(n int) int { return max(minClass, bits.Len(uint(n-1))) }

// get returns an empty buffer with a capacity of roundUp(n) bytes.
func (p *Pool) get(n int) []byte {
	if n <= maxClassBytes {
		class := classOf(n)
		p.mu.Lock()
		if free := p.idle[class]; len(free) > 0 {
			b := free[len(free)-1]
			p.idle[class] = free[:len(free)-1]
			p.held -= int64(cap(b))
			p.mu.Unlock()
			return b
		}
		p.mu.Unlock()
	}
	return make([]byte, 0, roundUp(n))
}

// put takes back a buffer that get returned and that nothing refers to any more.
func (p *Pool) put(b []byte) {
	if cap(b) == 0 || cap(b) > maxClassBytes {
		return
	}
	p.mu.Lock()
	if p.held+int64(cap(b)) <= maxIdle {
		class := classOf(cap(b))
		p.idle[class] = append(p.idle[class], b[:0])
		p.held += int64(cap(b))
	}
	p.mu.Unlock()
}

// Idle returns the bytes that the pool keeps.
func (p *Pool) Idle() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held
}
