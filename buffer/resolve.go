package buffer

import (
	"slices"
	"time"

	"github.com/forebay-go/forebay/delivery"
)

// Resolve ends b: its records have outcome, for reason if they were not delivered. It gives back
// the memory of b, unless keep is set. Then the caller calls Release once the reports of b are
// read.
func (t *Topic) Resolve(b *Batch, outcome delivery.Outcome, reason delivery.Reason, keep bool) {
	t.mu.Lock()
	t.books.Resolve(uint64(b.records), outcome, reason)
	done := t.dropLocked(b)
	t.mu.Unlock()
	if !keep {
		b.Release()
	} else if outcome == delivery.Delivered {
		b.Shrink()
	}
	finish(done)
}

// Shrink gives back the records of a batch that was resolved and kept, if its reports need only
// EachTag.
func (b *Batch) Shrink() {
	less := int64(cap(b.body))
	b.dropBody()
	b.charge(-less)
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

// Overtake notes that a record of the same ordered topic in another lane, sent at the monotonic
// time sent, may be written to a cluster from now on.
func (t *Topic) Overtake(cluster string, sent time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.overtaken == nil {
		t.overtaken = make(map[string]time.Duration)
	}
	t.overtaken[cluster] = max(t.overtaken[cluster], sent)
}

// Overtaken reports whether a record of another lane that is newer than some record of b may
// precede it in a cluster.
func (t *Topic) Overtaken(cluster string, b *Batch) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	last, ok := t.overtaken[cluster]
	return ok && last >= b.born
}

// Account returns the counts of t at one instant, and the monotonic time of the oldest pending
// Send. Its duration does not grow with what t holds, because Send waits for it.
func (t *Topic) Account() (books delivery.Books, oldest time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	books = t.settledLocked()
	books.Pending = t.pending
	if t.eldest == nil {
		return books, 0
	}
	oldest = t.eldest.born
	// parts of a divided batch may be younger than it
	for b := t.eldest.allPrev; b != nil && b.opened < oldest; b = b.allPrev {
		oldest = min(oldest, b.born)
	}
	return books, oldest
}

// Settled returns the counts of t without Pending.
func (t *Topic) Settled() delivery.Books {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.settledLocked()
}

func (t *Topic) settledLocked() delivery.Books {
	t.countShardsLocked()
	books := t.books
	books.Refused = t.refused.Load()
	return books
}

// closeIdle closes t if it holds nothing and has had no record since the monotonic time limit. It
// reports whether it did.
func (t *Topic) closeIdle(limit time.Duration) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all != nil || t.closed || t.last >= limit {
		return false
	}
	t.closed = true
	return true
}

// Freed reports whether t was closed and holds nothing.
func (t *Topic) Freed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.closed && t.all == nil
}

// flush is a Flush that waits for what was held when it began.
type flush struct {
	w    *Waiter
	upTo uint64 // no batch that was opened later belongs to it
	left int    // batches that do, and are held
}

// finish calls Done of waiters for which a topic has resolved everything.
func finish(done []*Waiter) {
	for _, w := range done {
		w.Done()
	}
}

func (t *Topic) unflush(w *Waiter) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.flushes = slices.DeleteFunc(t.flushes, func(f flush) bool { return f.w == w })
}

func (t *Topic) flush(w *Waiter) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sealShardsLocked()
	t.unkeyed.seal()
	for _, s := range t.timed {
		t.sealTimedLocked(s)
	}
	for _, s := range t.bound {
		s.seal()
	}
	t.sealOnHoldLocked()
	if t.all == nil {
		return
	}
	w.add(1)
	t.flushes = append(t.flushes, flush{w: w, upTo: t.lane.order.Load(), left: t.batches})
	t.listLocked()
	t.outlet.Wake()
}
