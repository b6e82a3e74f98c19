package delivery

import (
	"slices"
	"time"
)

// histogramBounds are the upper bounds of the buckets of a Histogram but for the last, which has
// none.
var histogramBounds = [...]time.Duration{
	5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second, 30 * time.Second,
	time.Minute, 5 * time.Minute, 10 * time.Minute, time.Hour,
}

// Histogram counts records by how long something took. The zero value has counted none.
type Histogram struct {
	// Buckets counts the records of each bucket alone: they are not cumulative.
	Buckets [len(histogramBounds) + 1]uint64
	Sum     float64 // of all durations, in seconds
}

// HistogramBounds returns the upper bounds of the buckets, each of which belongs to its bucket. The
// last bucket has none.
func HistogramBounds() []time.Duration {
	return slices.Clone(histogramBounds[:])
}

// Bucket returns the number of the bucket that d belongs to.
func Bucket(d time.Duration) int {
	i := 0
	for i < len(histogramBounds) && d > histogramBounds[i] {
		i++
	}
	return i
}

// Count returns how many records were counted.
func (h *Histogram) Count() (n uint64) {
	for _, bucket := range h.Buckets {
		n += bucket
	}
	return n
}

// Quantile returns the upper bound of the bucket in which the part q of all records ends, at most
// an hour; zero if there are none.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank, seen := q*float64(h.Count()), uint64(0)
	for i, n := range h.Buckets {
		if seen += n; n > 0 && float64(seen) >= rank {
			return histogramBounds[min(i, len(histogramBounds)-1)]
		}
	}
	return 0
}

// Add adds other to h.
func (h *Histogram) Add(other *Histogram) {
	for i, n := range other.Buckets {
		h.Buckets[i] += n
	}
	h.Sum += other.Sum
}
