package buffer

import (
	"container/heap"
	"time"
)

// Deadline returns a monotonic time before which nothing expires of what waits in the topic.
// Timeout is the delivery timeout. The first that Survey has appended knows it for all.
func (w *Waiting) Deadline(timeout time.Duration) time.Duration {
	if w.since == never {
		return w.due
	}
	return min(w.since+timeout, w.due)
}

// Deadline returns a monotonic time before which nothing expires of what waits in t. Timeout is the
// delivery timeout.
func (t *Topic) Deadline(timeout time.Duration) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := Waiting{since: t.since, due: t.firstDueLocked()}
	return w.Deadline(timeout)
}

// firstDueLocked returns when the first batch with a TTL expires that waits in t.
func (t *Topic) firstDueLocked() time.Duration {
	if len(t.dues) == 0 {
		return never
	}
	return t.dues[0].Deadline(0)
}

// dues are the batches with a TTL that wait in a topic, as a heap: the first expires first.
type dues []*Batch

func (d dues) Len() int           { return len(d) }
func (d dues) Less(i, j int) bool { return d[i].Deadline(0) < d[j].Deadline(0) }

func (d dues) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].dueAt, d[j].dueAt = int32(i), int32(j)
}

// Push is called by package heap.
func (d *dues) Push(b any) {
	added := b.(*Batch)
	added.dueAt = int32(len(*d))
	*d = append(*d, added)
}

// Pop is called by package heap.
func (d *dues) Pop() any {
	last := len(*d) - 1
	b := (*d)[last]
	(*d)[last] = nil
	*d = (*d)[:last]
	return b
}

// dueLocked notes that b waits, and when it expires.
func (t *Topic) dueLocked(b *Batch) {
	if b.ttl > 0 {
		heap.Push(&t.dues, b)
		return
	}
	t.since = min(t.since, b.born)
}

// dueEarlierLocked notes that b, which waits, has got an older record.
func (t *Topic) dueEarlierLocked(b *Batch) {
	if b.ttl > 0 {
		heap.Fix(&t.dues, int(b.dueAt))
		return
	}
	t.since = min(t.since, b.born)
}

// undueLocked notes that b does not wait any more.
func (t *Topic) undueLocked(b *Batch) {
	if b.ttl > 0 {
		heap.Remove(&t.dues, int(b.dueAt))
	}
}

// TakeExpired removes and returns the batches that expire at the monotonic time now or earlier,
// except those being compressed. Timeout is the delivery timeout.
func (t *Topic) TakeExpired(now, timeout time.Duration) []*Batch {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append(t.takeDueLocked(now), t.takeOlderLocked(now-timeout+1)...)
}

// takeDueLocked removes and returns the batches whose TTL is over.
func (t *Topic) takeDueLocked(now time.Duration) (over []*Batch) {
	for len(t.dues) > 0 {
		b := t.dues[0]
		if b.Deadline(0) > now || b.Busy() { // that is soon over
			break
		}
		t.pullLocked(b)
		over = append(over, t.takenLocked(b)...)
	}
	return over
}

// takeOlderLocked removes and returns the batches without a TTL whose oldest record was sent before
// the monotonic time limit.
func (t *Topic) takeOlderLocked(limit time.Duration) []*Batch {
	if t.since >= limit {
		return nil
	}
	t.since = never
	t.sealShardsLocked(limit)
	for i := range t.aside() {
		if b := t.aside()[i].source.open; b != nil {
			t.since = min(t.since, b.born)
		}
	}
	old := t.takeOlderFromLocked(&t.undealt, limit, nil)
	for _, b := range old {
		b.undealt = false
	}
	old = t.takeOlderOfLocked(&t.unkeyed, limit, old)
	for _, s := range t.bound {
		old = t.takeOlderOfLocked(s, limit, old)
	}
	return t.takenLocked(t.takeOlderOnHoldLocked(limit, old)...)
}

func (t *Topic) takeOlderOfLocked(s *source, limit time.Duration, old []*Batch) []*Batch {
	if b := s.open; b != nil && b.ttl == 0 {
		if b.born < limit {
			s.seal()
		} else {
			t.since = min(t.since, b.born)
		}
	}
	old = t.takeOlderFromLocked(&s.dealt, limit, old)
	return t.takeOlderFromLocked(&s.sealed, limit, old)
}

// takeOlderFromLocked appends the old batches of q to old. It looks no further than to the first
// that is not old and has no TTL: those behind it are younger.
func (t *Topic) takeOlderFromLocked(q *queue, limit time.Duration, old []*Batch) []*Batch {
	for b := q.head; b != nil; {
		following := b.next
		switch {
		case b.ttl > 0:
		case b.born >= limit:
			t.since = min(t.since, b.born)
			return old
		case b.Busy():
			t.since = min(t.since, b.born)
		default:
			q.remove(b)
			old = append(old, b)
		}
		b = following
	}
	return old
}
