package tracing

import (
	"hash/maphash"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/trace"
)

const (
	remembered = 16384 // records under way
	numbers    = 20    // bits of a tag that a Tracer makes; the others are its own
)

// sent remembers the span contexts of the records under way by their tags: a report of one that was
// delivered has nothing else to tell it by. At its bound it forgets the oldest, so what a report
// never comes for does no harm.
type sent struct {
	prefix uint64 // of the tags that are made here, a random one
	seed   maphash.Seed
	number atomic.Uint64 // of the last tag that was made
	some   atomic.Int64  // how many are remembered, to be looked at without the lock

	mu    sync.Mutex // guards what follows
	byTag map[uint64]trail
	// tags, a ring from the moment when it is full; one may be of a record that is not remembered
	// any more
	order []uint64
	next  int // the oldest of a full ring
}

// trail is what is remembered of a record.
type trail struct {
	span  trace.SpanContext
	topic uint64 // hash of its name
	place int    // in order
}

func newSent(most int) *sent {
	return &sent{
		prefix: rand.Uint64() | 1<<63, seed: maphash.MakeSeed(), byTag: make(map[uint64]trail),
		order: make([]uint64, 0, most),
	}
}

// made reports whether tag was made here.
func (s *sent) made(tag uint64) bool { return tag>>numbers == s.prefix>>numbers }

// remember remembers a record until take, or until too many others were. It returns its tag, a new
// one in place of 0.
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

// take returns what is remembered of a record, and forgets it.
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
