package audit

import "sync"

// tags puts the sequence of a record where the application has its tag, and keeps the tag until the
// report. Most applications use none, and then nothing is kept.
//
// A tag of ours has the highest bit set. If the next one is not set, the rest is a sequence, and
// the application had no tag. If it is, the rest is a slot, which has both.
type tags struct {
	mu    sync.Mutex // guards what follows
	slots []slot
	free  []uint64
}

type slot struct {
	sequence, tag uint64
	stamped       bool
}

const (
	ours   = 1 << 63
	kept   = 1 << 62
	number = kept - 1
)

// of returns the tag of a stamped record whose application gave it tag.
func (t *tags) of(sequence, tag uint64) uint64 {
	if tag == 0 {
		return ours | sequence
	}
	return t.keep(slot{sequence, tag, true})
}

// full reports whether no tag of an application can be kept. That is so only after many reports
// were dropped.
func (t *tags) full() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.free) == 0 && len(t.slots) >= maxSlots
}

// maxSlots bounds the tags that are kept, which take 24 bytes each.
const maxSlots = 4 << 20

// foreign returns the tag of a record without a header.
func (t *tags) foreign(tag uint64) uint64 {
	if tag&ours == 0 {
		return tag
	}
	return t.keep(slot{tag: tag})
}

func (t *tags) keep(s slot) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(t.free)
	if n == 0 {
		t.slots = append(t.slots, s)
		return ours | kept | uint64(len(t.slots)-1)
	}
	i := t.free[n-1]
	t.free = t.free[:n-1]
	t.slots[i] = s
	return ours | kept | i
}

// take returns what a tag stands for, and forgets it.
func (t *tags) take(tag uint64) (sequence, original uint64, stamped bool) {
	switch {
	case tag&ours == 0:
		return 0, tag, false
	case tag&kept == 0:
		return tag & number, 0, true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	i := tag & number
	if i >= uint64(len(t.slots)) {
		return 0, tag, false
	}
	s := t.slots[i]
	t.free = append(t.free, i)
	return s.sequence, s.tag, s.stamped
}
