package buffer

import (
	"math/bits"
	"slices"
	"sync"
)

const (
	minBuffer = 512       // the least size: what the first record of an idle topic costs
	maxShared = 512 << 10 // sizes up to this are powers of two; larger buffers are sized exactly
)

// Pool keeps the buffers of resolved batches for new ones, up to a bound. It is safe for concurrent
// use.
//
// It is not a sync.Pool because the memory that it keeps must be bounded and known, and survive
// garbage collections. A producer makes little garbage itself; the application's triggers them.
type Pool struct {
	// capacities of the buffers of a full batch and of stretched ones, which are kept also where
	// they are made to measure
	full    [3]int
	maxIdle int64 // bytes that are kept

	mu   sync.Mutex // guards what follows
	idle map[int][][]byte
	held int64 // bytes in idle
}

// NewPool returns an empty pool for batches of batchBytes that keeps up to maxIdle bytes.
func NewPool(batchBytes int, maxIdle int64) *Pool {
	p := &Pool{maxIdle: maxIdle, idle: make(map[int][][]byte)}
	for i := range p.full {
		p.full[i] = roundUp((batchBytes - HeaderBytes) << i)
	}
	return p
}

// roundUp returns the capacity of the buffer that get returns for n bytes.
func roundUp(n int) int {
	if n > maxShared {
		return (n + 4095) &^ 4095
	}
	return max(minBuffer, 1<<bits.Len(uint(max(n, 1)-1)))
}

// get returns an empty buffer with a capacity of roundUp(n) bytes.
func (p *Pool) get(n int) []byte {
	size := roundUp(n)
	p.mu.Lock()
	if free := p.idle[size]; len(free) > 0 {
		b := free[len(free)-1]
		p.idle[size] = free[:len(free)-1]
		p.held -= int64(size)
		p.mu.Unlock()
		return b
	}
	p.mu.Unlock()
	return make([]byte, 0, size)
}

// put takes back a buffer that get returned and that nothing refers to any more.
func (p *Pool) put(b []byte) {
	size := cap(b)
	if size != roundUp(size) || size > maxShared && !slices.Contains(p.full[:], size) {
		return // sized exactly
	}
	p.mu.Lock()
	if p.held+int64(size) <= p.maxIdle {
		p.idle[size] = append(p.idle[size], b[:0])
		p.held += int64(size)
	}
	p.mu.Unlock()
}

// Idle returns the bytes that the pool keeps.
func (p *Pool) Idle() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held
}
