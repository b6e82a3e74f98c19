package tracing

import (
	"hash/maphash"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/trace"
)

const (
	remembered = 16384 // records in flight
	numbers    = 20    // low bits of a tag that count records; the rest is the prefix of the Tracer
)

// sent remembers the span contexts of the records in flight by their tags: the report of a
// delivered record has nothing else to identify it. When full it forgets the oldest, so a record
// without a report does no harm.
type sent struct {
	prefix uint64 // of the tags made here; random
	seed   maphash.Seed
	number atomic.Uint64 // of the last tag made here
	some   atomic.Int64  // the number remembered, for reads without the lock

	mu    sync.Mutex // guards the fields below
	byTag map[uint64]trail
	// tags, a ring once it is full; may hold tags of records that are already forgotten
	order []uint64
	next  int // the oldest of a full ring
}

// trail is the memory of one record.
type trail struct {
	span  trace.SpanContext
	topic uint64 // hash of its name
	place int    // in order
}

func newSent(most int) *sent {
	return &sent{
		prefix: rand.Uint64() | 1<<63,
		seed:   maphash.MakeSeed(),
		byTag:  make(map[uint64]trail),
		order:  make([]uint64, 0, most),
	}
}

// made reports whether tag was made here.
func (s *sent) made(tag uint64) bool { return tag>>numbers == s.prefix>>numbers }

// remember remembers a record until take is called or too many others follow. It returns the tag of
// the record, a new tag instead of 0.
func (s *sent) remember(tag uint64, topic string, span trace.SpanContext) uint64 {
	if tag == 0 {
		tag = s.prefix>>numbers<<numbers | s.number.Add(1)&(1<<numbers-1)
	}
	c := trail{span: span, topic: maphash.String(s.seed, topic)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.order) < cap(s.order) {
		c.place = len(s.order)
		s.order = append(s.order, tag)
	} else {
		c.place = s.next
		if oldest := s.order[s.next]; s.byTag[oldest].place == s.next {
			delete(s.byTag, oldest)
		}
		s.order[s.next] = tag
		s.next = (s.next + 1) % len(s.order)
	}
	s.byTag[tag] = c
	s.some.Store(int64(len(s.byTag)))
	return tag
}

// take returns the span context of a record, and forgets the record.
func (s *sent) take(tag uint64, topic string) (span trace.SpanContext, ok bool) {
	if s.some.Load() == 0 {
		return span, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.byTag[tag]
	if !ok || c.topic != maphash.String(s.seed, topic) {
		return span, false
	}
	delete(s.byTag, tag)
	s.some.Store(int64(len(s.byTag)))
	return c.span, true
}
