package buffer

import (
	"cmp"
	"math"
	"slices"
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
		b.release()
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

// Waiting describes what waits in a topic for one partition, or for any.
type Waiting struct {
	Kind      Kind
	Partition int32         // -1: any, or not known yet
	Sealed    bool          // a sealed batch waits
	Busy      bool          // the first batch is being compressed
	Open      bool          // a batch is open
	OpenSince time.Duration // monotonic time of the first record of the open batch
	Oldest    time.Duration // monotonic time of the oldest record
	Bytes     int           // size of the first batch on the wire
}

// Survey appends what waits in t to dst. When nothing waits, the dispatcher is taken to have forgotten t, which comes in
// again with its next batch.
func (t *Topic) Survey(dst []Waiting) []Waiting {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := len(dst)
	dst = t.unkeyed.survey(dst)
	for _, s := range t.bound {
		dst = s.survey(dst)
	}
	if len(dst) == before {
		t.listed = false
		t.bound = slices.DeleteFunc(t.bound, func(s *source) bool { return s.kind == Explicit })
	}
	return dst
}

func (s *source) survey(dst []Waiting) []Waiting {
	if s.empty() {
		return dst
	}
	first := s.oldest()
	w := Waiting{Kind: s.kind, Partition: s.partition, Oldest: first.born, Sealed: first != s.open}
	if w.Sealed && first.Busy() {
		w.Busy = true // its size is about to change
	} else {
		w.Bytes = first.Size()
	}
	if s.open != nil {
		w.Open, w.OpenSince = true, s.open.born
	}
	return append(dst, w)
}

// Take removes and returns the oldest batch that waits for partition, of that kind; -1 for un-keyed ones. The open batch
// is taken, and sealed by that, only if seal is set. It returns nil where nothing is ready. The caller owns the batch
// until Requeue, Replace or Resolve.
func (t *Topic) Take(kind Kind, partition int32, seal bool) *Batch {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.findLocked(kind, partition); s != nil {
		return s.take(seal)
	}
	return nil
}

// TakeOlder removes and returns the batches whose oldest record was sent before the monotonic time limit, but for those
// that are being compressed.
func (t *Topic) TakeOlder(limit time.Duration) []*Batch {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.unkeyed.takeOlder(limit, nil)
	for _, s := range t.bound {
		old = s.takeOlder(limit, old)
	}
	return old
}

func (s *source) takeOlder(limit time.Duration, old []*Batch) []*Batch {
	if s.open != nil && s.open.born < limit {
		s.seal()
	}
	for b := s.head(); b != nil && b.born < limit; b = s.head() {
		if b = s.take(false); b == nil {
			break
		}
		old = append(old, b)
	}
	return old
}

// TakeAll removes and returns every batch that waits, open or sealed, but for those that are being compressed.
func (t *Topic) TakeAll() []*Batch {
	t.mu.Lock()
	defer t.mu.Unlock()
	taken := t.unkeyed.takeOlder(math.MaxInt64, nil)
	for _, s := range t.bound {
		taken = s.takeOlder(math.MaxInt64, taken)
	}
	return taken
}

// ClaimRaw returns sealed batches of t that wait uncompressed, oldest first, at most limit of them. They stay where they
// are, but cannot be taken until Compress has returned, which the caller must call.
func (t *Topic) ClaimRaw(limit int) []*Batch {
	t.mu.Lock()
	defer t.mu.Unlock()
	found := t.unkeyed.claimRaw(limit, nil)
	for _, s := range t.bound {
		found = s.claimRaw(limit, found)
	}
	return found
}

func (s *source) claimRaw(limit int, found []*Batch) []*Batch {
	for _, q := range [...]*queue{&s.dealt, &s.sealed} {
		for b := q.head; b != nil && len(found) < limit; b = b.next {
			if b.stage.CompareAndSwap(raw, compressing) {
				found = append(found, b)
			}
		}
	}
	return found
}

// Requeue gives batches back that were taken, before all others that wait, in the order given.
func (t *Topic) Requeue(batches ...*Batch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, b := range slices.Backward(batches) {
		if b.kind == Unkeyed {
			t.unkeyed.sealed.pushFront(b)
		} else {
			t.boundLocked(b.kind, b.partition).dealt.pushFront(b)
		}
	}
	t.listLocked()
}

// Recount says how many partitions the topic has. If that is new, the keyed batches that wait were dealt to partitions
// that their keys do not belong to any more: they are removed and returned, oldest first, for DealOut.
func (t *Topic) Recount(count int32) []*Batch {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count == count {
		return nil
	}
	t.count, t.keyed = count, nil
	var stale []*Batch
	t.bound = slices.DeleteFunc(t.bound, func(s *source) bool {
		if s.kind != Keyed {
			return false
		}
		s.seal()
		for _, q := range [...]*queue{&s.dealt, &s.sealed} {
			for b := q.head; b != nil; {
				following := b.next
				b.next = nil
				stale = append(stale, b)
				b = following
			}
		}
		return true
	})
	slices.SortFunc(stale, func(a, b *Batch) int { return cmp.Compare(a.order, b.order) })
	return stale
}

// Count returns what Recount was told.
func (t *Topic) Count() int32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.count
}

// Resolve ends b: its records have outcome, for reason if they were not delivered. It gives the memory of b back, unless
// keep is set: then Release must follow, when what a report tells of b has been read.
func (t *Topic) Resolve(b *Batch, outcome Outcome, reason Reason, keep bool) {
	t.mu.Lock()
	t.books.resolve(uint64(b.records), outcome, reason)
	t.dropLocked(b)
	waiters := b.waiters
	b.waiters = nil
	t.mu.Unlock()
	if !keep {
		b.release()
	} else if outcome == Delivered {
		b.shrink()
	}
	for _, w := range waiters {
		w.Done()
	}
}

// Release gives the memory back of a batch that was resolved and kept.
func (b *Batch) Release() { b.release() }

// shrink gives back the records of a batch of which only the reports are still needed.
func (b *Batch) shrink() {
	l := b.topic.lane
	less := int64(cap(b.body))
	l.pool.put(b.body)
	b.body = nil
	b.held -= less
	l.budget.Adjust(-less)
}

// CountDuplicates notes, once for each batch, that its records may be in Kafka twice.
func (t *Topic) CountDuplicates(b *Batch) {
	if b.History.Counted {
		return
	}
	b.History.Counted = true
	t.mu.Lock()
	t.books.MaybeDuplicated += uint64(b.records)
	t.mu.Unlock()
}

// Books returns the counts of t at one instant.
func (t *Topic) Books() Books {
	t.mu.Lock()
	defer t.mu.Unlock()
	books := t.books
	for b := t.all; b != nil; b = b.allNext {
		books.Pending += uint64(b.records)
	}
	return books
}

// closeIdle closes t if it holds nothing and has not had a record since the monotonic time limit, and says whether it did.
func (t *Topic) closeIdle(limit time.Duration) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all != nil || t.closed || t.last >= limit {
		return false
	}
	t.closed = true
	return true
}

func (t *Topic) unflush(w *Waiter) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for b := t.all; b != nil; b = b.allNext {
		b.waiters = slices.DeleteFunc(b.waiters, func(other *Waiter) bool { return other == w })
	}
}

func (t *Topic) flush(w *Waiter) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.unkeyed.seal()
	for _, s := range t.bound {
		s.seal()
	}
	for b := t.all; b != nil; b = b.allNext {
		b.waiters = append(b.waiters, w)
		w.add(1)
	}
	if t.all != nil {
		t.listLocked()
	}
}
