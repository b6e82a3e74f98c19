package buffer

import "sync/atomic"

// Budget bounds the bytes that all lanes of a producer hold. It is safe for concurrent use and never waits.
type Budget struct {
	max  int64
	used atomic.Int64
}

// NewBudget returns a budget of max bytes.
func NewBudget(max int64) *Budget { return &Budget{max: max} }

// Max returns the bound, in bytes.
func (b *Budget) Max() int64 { return b.max }

// Used returns the bytes held.
func (b *Budget) Used() int64 { return b.used.Load() }

// Reserve takes n bytes if they fit under the bound, and says whether they did.
func (b *Budget) Reserve(n int64) bool {
	for {
		used := b.used.Load()
		if used+n > b.max {
			return false // nothing was added meanwhile: it would be seen, and refuse another that fits
		}
		if b.used.CompareAndSwap(used, used+n) {
			return true
		}
	}
}

// Adjust adds n bytes, which may be negative, whether they fit or not. It is for what must go on to be delivered at all,
// such as dealing out a keyed batch anew, one batch at a time.
func (b *Budget) Adjust(n int64) { b.used.Add(n) }
