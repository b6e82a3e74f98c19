package buffer

import (
	"slices"
	"time"
)

// How batches leave a topic, and what it counts.

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
		b.Release()
	} else if outcome == Delivered {
		b.shrink()
	}
	for _, w := range waiters {
		w.Done()
	}
}

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
