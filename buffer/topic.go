package buffer

import (
	"sync"
	"time"

	"github.com/forebay-go/forebay/partitioner"
)

// Topic is where the batches of one topic wait, in one lane. It is safe for concurrent use.
type Topic struct {
	name string
	lane *Lane

	mu     sync.Mutex // guards what follows and the batches that are open or waiting
	closed bool
	listed bool // the dispatcher knows that there is work, or will when it asks for what is incoming
	last   time.Duration

	unkeyed source
	bound   []*source // keyed and explicit, in no order
	keyed   []*source // those of bound that are keyed, by partition + 1: the first is for "not known yet"
	count   int32     // partitions of the topic, 0 while that is not known

	all   *Batch // every batch that is not resolved: open, waiting and in flight
	books Books  // but for Pending, which is counted from all
}

// Name returns the name of t.
func (t *Topic) Name() string { return t.name }

// Lane returns the lane of t.
func (t *Topic) Lane() *Lane { return t.lane }

// Append adds r to an open batch of t, and keeps nothing of r's memory. Where is the kind of r's partition, and for
// Explicit partition is its number; now is the monotonic time. It fails with ErrFull, or ErrClosed after the lane was
// closed or t freed. The caller has checked the size of r.
func (t *Topic) Append(r *Record, where Kind, partition int32, now time.Duration) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return ErrClosed
	}
	b := t.roomLocked(t.sourceLocked(r, where, partition), r, now)
	if b == nil {
		t.books.Refused++
		return ErrFull
	}
	t.books.Accepted++
	return nil
}

// sourceLocked returns where a record waits.
func (t *Topic) sourceLocked(r *Record, where Kind, partition int32) *source {
	switch where {
	case Unkeyed:
		return &t.unkeyed
	case Keyed:
		partition = -1
		if t.count > 0 {
			partition = partitioner.ForKey(r.Key, t.count)
		}
	}
	return t.boundLocked(where, partition)
}

func (t *Topic) boundLocked(kind Kind, partition int32) *source {
	s := t.findLocked(kind, partition)
	if s != nil {
		return s
	}
	s = &source{kind: kind, partition: partition}
	t.bound = append(t.bound, s)
	if kind == Keyed {
		if missing := int(partition) + 2 - len(t.keyed); missing > 0 {
			t.keyed = append(t.keyed, make([]*source, missing)...)
		}
		t.keyed[partition+1] = s
	}
	return s
}

func (t *Topic) findLocked(kind Kind, partition int32) *source {
	switch {
	case kind == Unkeyed:
		return &t.unkeyed
	case kind == Keyed && int(partition)+1 < len(t.keyed):
		return t.keyed[partition+1]
	case kind == Explicit:
		for _, s := range t.bound {
			if s.partition == partition && s.kind == Explicit {
				return s
			}
		}
	}
	return nil
}

// roomLocked adds r to the open batch of s, or to a new one, and returns it; nil if there is no memory for that. A batch
// takes no more records when its oldest is a sixteenth of the delivery timeout old: it expires as a whole, and no record
// is to lose more than that of its time.
func (t *Topic) roomLocked(s *source, r *Record, now time.Duration) *Batch {
	limit := t.lane.cfg.BatchBytes - HeaderBytes
	if b := s.open; b != nil {
		delta, size, framed := b.measure(r)
		if b.fits(framed, limit) && now-b.born < t.lane.cfg.DeliveryTimeout/16 {
			if b.full(framed) && !b.grow(framed, limit) {
				return nil
			}
			b.add(r, now, delta, size)
			return b
		}
	}
	b := t.newBatch(s)
	delta, size, framed := b.measure(r)
	if !t.lane.budget.Reserve(batchOverhead) {
		return nil
	}
	b.held = batchOverhead
	if want := min(s.hint, limit); framed < want && t.lane.plenty(s, now) {
		b.grow(want, limit)
	}
	if !b.grow(framed, limit) {
		b.Release()
		return nil
	}
	b.add(r, now, delta, size)
	if s.seal() != nil {
		t.lane.Wake()
	}
	s.open, t.last = b, now
	t.holdLocked(b)
	t.listLocked()
	if !t.lane.armed.Load() {
		t.lane.Wake()
	}
	return b
}

// plenty reports whether a batch of s may begin as large as the last one was: while there is memory, or if that one was
// filled so quickly that this one will be too.
func (l *Lane) plenty(s *source, now time.Duration) bool {
	return l.budget.Used() < l.budget.Max()/2 || s.open != nil && now-s.open.born < quickFill
}

// quickFill is how quickly a batch is filled that shows that the next will be.
const quickFill = 100 * time.Millisecond

func (t *Topic) newBatch(s *source) *Batch {
	b := &Batch{topic: t, kind: s.kind, partition: s.partition, order: t.lane.order.Add(1)}
	if s.kind == Keyed {
		b.count = t.count
	}
	return b
}

func (t *Topic) holdLocked(b *Batch) {
	b.allNext = t.all
	if t.all != nil {
		t.all.allPrev = b
	}
	t.all = b
}

func (t *Topic) dropLocked(b *Batch) {
	if b.allPrev == nil {
		t.all = b.allNext
	} else {
		b.allPrev.allNext = b.allNext
	}
	if b.allNext != nil {
		b.allNext.allPrev = b.allPrev
	}
	b.allPrev, b.allNext = nil, nil
}

// listLocked makes t known to the dispatcher.
func (t *Topic) listLocked() {
	if t.listed {
		return
	}
	t.listed = true
	t.lane.mu.Lock()
	t.lane.incoming = append(t.lane.incoming, t)
	t.lane.mu.Unlock()
}
