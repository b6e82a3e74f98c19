package dispatch

import (
	"sync/atomic"
	"time"

	"github.com/forebay-go/forebay/delivery"
)

// spans is a Histogram that one goroutine adds to while others read it.
type spans struct {
	buckets [len(delivery.Histogram{}.Buckets)]atomic.Uint64
	micros  atomic.Uint64 // the sum
}

// add counts records that took d.
func (s *spans) add(d time.Duration, records int) {
	s.buckets[delivery.Bucket(d)].Add(uint64(records))
	s.micros.Add(uint64(d.Microseconds()) * uint64(records))
}

func (s *spans) load() (h delivery.Histogram) {
	for i := range s.buckets {
		h.Buckets[i] = s.buckets[i].Load()
	}
	h.Sum = float64(s.micros.Load()) / 1e6
	return h
}
