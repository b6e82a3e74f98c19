package buffer

import (
	"slices"
	"time"
)

// Waiting describes the batches of a topic that wait for one partition, or for any.
type Waiting struct {
	Kind      Kind
	Partition int32         // -1: any, or not known yet
	Sealed    bool          // a sealed batch waits
	Busy      bool          // the first batch is being compressed
	Stretched bool          // the first batch is sealed, and must be compressed before it is sent
	Open      bool          // a batch is open
	OpenSince time.Duration // monotonic time of the first record of the open batch
	Oldest    time.Duration // monotonic time of the oldest record
	Bytes     int           // size of the first batch on the wire
	// monotonic time at which the first open batch with a TTL takes no more; 0: there is none
	OpenUntil time.Duration

	since, due time.Duration // of the topic, where it is its first; see Deadline
}

// Survey appends what waits in t to dst. If nothing waits, the dispatcher may forget t: with its
// next batch t is among the outlet's incoming topics again.
func (t *Topic) Survey(dst []Waiting) []Waiting {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := len(dst)
	dst = t.surveyUnkeyedLocked(dst)
	for _, s := range t.bound {
		if !t.withheldLocked(s) {
			dst = s.survey(dst)
		}
	}
	if b := t.undealt.head; b != nil {
		dst = append(dst, Waiting{Kind: Keyed, Partition: -1, Sealed: true, Busy: b.Busy(),
			Oldest: b.born})
	}
	if len(dst) > before {
		dst[before].since, dst[before].due = t.ages.first(), t.dues.first()
	} else {
		t.listed, t.timed = t.onHold != nil, nil
		if len(t.explicit) > 0 {
			t.bound = slices.DeleteFunc(t.bound, func(s *source) bool { return s.kind == Explicit })
			t.explicit = nil
		}
	}
	return dst
}

// withheldLocked reports whether s has to wait until older keyed batches are dealt out.
func (t *Topic) withheldLocked(s *source) bool {
	return s.kind == Keyed && t.undealt.head != nil && s.dealt.head == nil
}

func (s *source) survey(dst []Waiting) []Waiting {
	if s.empty() {
		return dst
	}
	first := s.oldest()
	w := Waiting{Kind: s.kind, Partition: s.partition, Oldest: s.oldestBorn(),
		Sealed: first != s.open}
	if w.Sealed && first.Busy() {
		w.Busy = true // its size is about to change
	} else {
		w.Bytes = first.Size()
		w.Stretched = w.Sealed && first.IsStretched()
	}
	if s.open != nil {
		w.addOpen(s.open, s.open.Size())
	}
	return append(dst, w)
}

// Take removes and returns the oldest batch of that kind that waits for partition, which is -1 for
// un-keyed ones. It takes the open batch, and seals it, only if seal is set. It returns nil if
// nothing is ready. The caller owns the batch until it is requeued, resolved or replaced.
func (t *Topic) Take(kind Kind, partition int32, seal bool) *Batch {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.findLocked(kind, partition)
	if s == nil || t.withheldLocked(s) {
		return nil
	}
	if seal && s == &t.unkeyed {
		t.sealEldestLocked()
	}
	b := s.take(seal)
	if b != nil {
		t.served = true
		t.takenLocked(b)
	}
	return b
}

// TakeAll removes and returns every batch that waits, open or sealed, except those being
// compressed.
func (t *Topic) TakeAll() []*Batch { return t.TakeExpired(never, 1) }

// ClaimRaw returns a sealed batch of t that waits uncompressed, or nil. It stays where it is, but
// cannot be taken until Compress has returned, which the caller must call.
func (t *Topic) ClaimRaw() *Batch {
	t.mu.Lock()
	defer t.mu.Unlock()
	if b := t.unkeyed.claimRaw(); b != nil {
		return b
	}
	for range t.bound { // from where something was found last
		t.claim %= len(t.bound)
		if b := t.bound[t.claim].claimRaw(); b != nil {
			return b
		}
		t.claim++
	}
	return nil
}

// ClaimStretched is ClaimRaw for the first batch of a partition, if that is stretched. The
// partitions take turns.
func (t *Topic) ClaimStretched() *Batch {
	t.mu.Lock()
	defer t.mu.Unlock()
	for range t.bound {
		t.claim++
		s := t.bound[t.claim%len(t.bound)]
		if b := s.head(); b != nil && !t.withheldLocked(s) && b.IsStretched() &&
			b.stage.CompareAndSwap(raw, compressing) {
			return b
		}
	}
	return nil
}

// claimRaw returns the oldest sealed batch of s that was not compressed or claimed.
func (s *source) claimRaw() *Batch {
	for _, q := range [...]*queue{&s.dealt, &s.sealed} {
		for b := q.head; b != nil; b = b.next {
			if b.stage.CompareAndSwap(raw, compressing) {
				return b
			}
		}
	}
	return nil
}

// Requeue gives back batches that were taken. They wait before all others, in the order given; what
// was on hold meanwhile goes before those that are newer.
func (t *Topic) Requeue(batches ...*Batch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.listed {
		t.outlet.Wake() // the caller may be another goroutine than the dispatcher
	}
	for _, b := range slices.Backward(batches) {
		t.mixed = t.mixed || b.BuiltForOther(t.count)
		if b.kind == Unkeyed {
			t.unkeyed.sealed.pushFront(b)
		} else {
			t.boundLocked(b.kind, b.partition).dealt.insertByOrder(b, true)
		}
	}
	t.waitAgainLocked(batches)
	t.listLocked()
}

// HasKeys reports whether records with keys have been sent since t was made.
func (t *Topic) HasKeys() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.keys
}

// Recount sets the number of partitions of the topic. If it has changed, or batches for another
// number were given back, keyed batches that wait are for partitions to which their keys no longer
// belong. They are removed and returned, oldest first, for DealOut.
func (t *Topic) Recount(count int32) []*Batch {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count == count && !t.mixed {
		return nil
	}
	t.count, t.keyed, t.mixed = count, nil, false
	var stale []*Batch
	t.bound = slices.DeleteFunc(t.bound, func(s *source) bool {
		if s.kind != Keyed {
			return false
		}
		s.seal()
		stale = s.sealed.drain(s.dealt.drain(stale))
		return true
	})
	for _, b := range t.undealt.drain(nil) {
		b.undealt = false
		stale = append(stale, b)
	}
	slices.SortStableFunc(stale, byOrder) // halves of one batch keep their order
	return t.takenLocked(stale...)
}
