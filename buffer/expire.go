package buffer

import (
	"container/heap"
	"slices"
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
	w := Waiting{since: t.ages.first(), due: t.dues.first()}
	return w.Deadline(timeout)
}

// dues are batches that wait in a topic, as a heap: the first expires first. Those with a TTL and
// those without have one each.
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
	if c := cap(*d); c > fewDues && last < c/4 { // after an outage its memory is free again
		*d = append(make(dues, 0, c/2), *d...)
	}
	return b
}

// fewDues is up to how many places are kept where they are not needed.
const fewDues = 64

// first returns when the first of d expires, or was sent if it has no TTL.
func (d dues) first() time.Duration {
	if len(d) == 0 {
		return never
	}
	return d[0].Deadline(0)
}

// duesLocked returns those that b is in while it waits.
func (t *Topic) duesLocked(b *Batch) *dues {
	if b.ttl > 0 {
		return &t.dues
	}
	return &t.ages
}

// dueLocked notes that b waits, and when it expires.
func (t *Topic) dueLocked(b *Batch) { heap.Push(t.duesLocked(b), b) }

// dueEarlierLocked notes that b, which waits, has got an older record.
func (t *Topic) dueEarlierLocked(b *Batch) { heap.Fix(t.duesLocked(b), int(b.dueAt)) }

// undueLocked notes that b does not wait any more.
func (t *Topic) undueLocked(b *Batch) { heap.Remove(t.duesLocked(b), int(b.dueAt)) }

// TakeExpired removes and returns the batches that expire at the monotonic time now or earlier,
// except those being compressed. Timeout is the delivery timeout.
func (t *Topic) TakeExpired(now, timeout time.Duration) []*Batch {
	t.mu.Lock()
	defer t.mu.Unlock()
	over := t.takeDueLocked(&t.ages, now-timeout, nil)
	over = t.takeDueLocked(&t.dues, now, over)
	if slices.ContainsFunc(over, func(b *Batch) bool { return b.hold != nil }) {
		t.sinceOnHoldLocked()
	}
	return over
}

// takeDueLocked removes the batches of d up to a time, and appends them to over.
func (t *Topic) takeDueLocked(d *dues, until time.Duration, over []*Batch) []*Batch {
	var busy []*Batch
	for d.first() <= until && len(*d) > 0 {
		b := (*d)[0]
		if b.Busy() { // that is soon over
			heap.Pop(d)
			busy = append(busy, b)
			continue
		}
		t.pullLocked(b)
		t.takenLocked(b)
		over = append(over, b)
	}
	for _, b := range busy {
		heap.Push(d, b)
	}
	return over
}
