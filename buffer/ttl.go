package buffer

import (
	"container/heap"
	"math"
	"math/bits"
	"time"
)

const (
	// ttlParts is the part of its TTL for which a batch takes records: a batch expires as a whole.
	// TTLs that differ by less than such a part count as one. Together a record loses less than a
	// sixteenth of its TTL.
	ttlParts = 32
	// maxTimed is how many open batches a topic has for un-keyed records with different TTLs.
	maxTimed = 16
	// never is a time that does not come.
	never = time.Duration(math.MaxInt64)
)

// classOf returns the TTL of the batch for a record with that TTL: less by a thirty-second at most,
// so that few batches are open where each record has another TTL.
func classOf(ttl time.Duration) time.Duration {
	drop := max(bits.Len64(uint64(ttl))-bits.Len(ttlParts), 0)
	return ttl >> drop << drop
}

// takes reports whether the open batch b, whose oldest record has some age, takes r: a batch
// expires as a whole, and no record of it may lose more than a sixteenth of its time.
func (b *Batch) takes(cfg *Config, r *Record, age time.Duration) bool {
	if r.TTL|b.ttl == 0 { // as most often
		return age < cfg.DeliveryTimeout/16
	}
	return b.ttl == classOf(r.TTL) && age < b.ttl/ttlParts
}

// mixes reports whether b may take the records of c, of which none is changed by that.
func (b *Batch) mixes(cfg *Config, c *Batch) bool {
	window := cfg.DeliveryTimeout / 16
	if b.ttl > 0 {
		window = b.ttl / ttlParts
	}
	return b.ttl == c.ttl && max(b.last, c.last)-min(b.born, c.born) < window
}

// TTL returns how long the records of b may take that have a TTL, 0 for those that have none. It is
// at most a thirty-second less than theirs.
func (b *Batch) TTL() time.Duration { return b.ttl }

// Deadline returns the monotonic time at which b expires. Timeout is the delivery timeout, for
// records without a TTL.
func (b *Batch) Deadline(timeout time.Duration) time.Duration {
	if b.ttl > 0 {
		timeout = b.ttl
	}
	return b.born + timeout
}

// Deadline returns a monotonic time before which nothing expires of what waits in the topic.
// Timeout is the delivery timeout. The first that Survey has appended knows it for all.
func (w *Waiting) Deadline(timeout time.Duration) time.Duration {
	if w.since == never {
		return w.due
	}
	return min(w.since+timeout, w.due)
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

// addTimedLocked adds the un-keyed record r, which has a TTL, to an open batch for it.
func (t *Topic) addTimedLocked(cfg *Config, r *Record, now time.Duration, tight bool) error {
	s := t.timedLocked(classOf(r.TTL))
	err := t.addLocked(cfg, s, r, now, tight)
	t.collectLocked(s)
	return err
}

// timedLocked returns the source whose open batch has that TTL, or one without an open batch. If
// there are too many, the oldest batch is sealed.
func (t *Topic) timedLocked(ttl time.Duration) *source {
	var free, eldest *source
	for _, s := range t.timed {
		switch {
		case s.open == nil:
			free = s
		case s.open.ttl == ttl:
			return s
		case eldest == nil || s.open.born < eldest.open.born:
			eldest = s
		}
	}
	switch {
	case free != nil:
		return free
	case len(t.timed) < maxTimed:
		free = &source{kind: Unkeyed, partition: -1}
		t.timed = append(t.timed, free)
		return free
	}
	t.sealTimedLocked(eldest)
	t.outlet.Wake()
	return eldest
}

// sealTimedLocked seals the open batch of s, which is one of timed, if there is one.
func (t *Topic) sealTimedLocked(s *source) {
	s.seal()
	t.collectLocked(s)
}

// collectLocked moves the sealed batches of s to the other un-keyed ones.
func (t *Topic) collectLocked(s *source) {
	for b := s.sealed.head; b != nil; b = s.sealed.head {
		s.sealed.remove(b)
		t.unkeyed.sealed.insert(b)
	}
}

// eldestTimedLocked returns the one of timed with the oldest open batch, or nil.
func (t *Topic) eldestTimedLocked() (eldest *source) {
	for _, s := range t.timed {
		if s.open != nil && (eldest == nil || s.open.born < eldest.open.born) {
			eldest = s
		}
	}
	return eldest
}

// surveyTimedLocked adds the open batches of timed to w, which describes un-keyed batches.
func (t *Topic) surveyTimedLocked(w *Waiting) {
	for _, s := range t.timed {
		if s.open != nil {
			w.addOpen(s.open, s.open.Size())
		}
	}
}

// addOpen adds b, an open batch of so many bytes, to what w describes.
func (w *Waiting) addOpen(b *Batch, size int) {
	if !w.Sealed && (!w.Open || b.born < w.Oldest) {
		w.Bytes = size
	}
	if !w.Open || b.born < w.OpenSince {
		w.Open, w.OpenSince = true, b.born
	}
	if until := b.born + b.ttl/ttlParts; b.ttl > 0 && (w.OpenUntil == 0 || until < w.OpenUntil) {
		w.OpenUntil = until
	}
	w.Oldest = min(w.Oldest, b.born)
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
	return t.takenLocked(old...)
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
