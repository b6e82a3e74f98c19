package drive

import (
	"math/bits"
	"time"
)

// Histogram counts spans of time, in nanoseconds, in buckets that are at most 1/64 wide of what
// they hold. The zero value is empty.
type Histogram struct {
	Counts map[int]int64 // by bucket
	Max    int64         // exact
}

// fine is how many buckets a power of two has.
const fine = 64

// Add notes a span.
func (h *Histogram) Add(d time.Duration) {
	if h.Counts == nil {
		h.Counts = make(map[int]int64)
	}
	h.Counts[bucketOf(int64(d))]++
	h.Max = max(h.Max, int64(d))
}

// Count returns how many spans there are.
func (h *Histogram) Count() (n int64) {
	for _, c := range h.Counts {
		n += c
	}
	return n
}

// Quantile returns a span that a share of q of all does not exceed, by less than 1/64 too long, and
// never above the longest.
func (h *Histogram) Quantile(q float64) int64 {
	want := max(1, int64(q*float64(h.Count())+0.999999))
	last := bucketOf(h.Max)
	for b := 0; b < last; b++ {
		if want -= h.Counts[b]; want <= 0 {
			return topOf(b)
		}
	}
	return h.Max
}

// bucketOf returns the bucket of n: one for each number below fine, then fine for each power of
// two.
func bucketOf(n int64) int {
	if n < fine {
		return int(max(n, 0))
	}
	shift := bits.Len64(uint64(n)) - bits.Len64(fine)
	return shift*fine + int(n>>shift)
}

// topOf returns the largest number of a bucket.
func topOf(b int) int64 {
	if b < 2*fine {
		return int64(b)
	}
	shift := b/fine - 1
	return (int64(b-shift*fine)+1)<<shift - 1
}

// recorder is a Histogram for the calling goroutine, which others may look at: a map would cost
// more than the calls that it measures.
type recorder struct {
	counts [fine * 64]int64
	max    int64
}

func (r *recorder) add(d time.Duration) {
	r.counts[bucketOf(int64(d))]++
	r.max = max(r.max, int64(d))
}

func (r *recorder) histogram() Histogram {
	h := Histogram{Counts: make(map[int]int64), Max: r.max}
	for b, n := range r.counts {
		if n > 0 {
			h.Counts[b] = n
		}
	}
	return h
}

// merge adds the spans of other.
func (h *Histogram) merge(other Histogram) {
	if h.Counts == nil {
		h.Counts = make(map[int]int64)
	}
	for b, n := range other.Counts {
		h.Counts[b] += n
	}
	h.Max = max(h.Max, other.Max)
}
