package buffer

import "time"

// queue is a first-in, first-out list of sealed batches, linked through the batches themselves. It
// must not be copied while it holds some.
type queue struct{ head, tail *Batch }

func (q *queue) push(b *Batch) { q.putAfter(q.tail, b) }

func (q *queue) pushFront(b *Batch) { q.putAfter(nil, b) }

// insert puts b before the first younger batch, if there is one and the last is such.
func (q *queue) insert(b *Batch) {
	after := q.tail
	for after != nil && after.born > b.born {
		after = after.prev
	}
	q.putAfter(after, b)
}

// insertByOrder puts b where it belongs by its order, before or behind those that have the same:
// these are parts of one batch.
func (q *queue) insertByOrder(b *Batch, before bool) {
	after := q.tail
	for after != nil && (after.order > b.order || before && after.order == b.order) {
		after = after.prev
	}
	q.putAfter(after, b)
}

// putAfter puts b behind after, which is in q, or to the front if after is nil.
func (q *queue) putAfter(after, b *Batch) {
	b.in, b.prev = q, after
	if after == nil {
		b.next, q.head = q.head, b
	} else {
		b.next, after.next = after.next, b
	}
	if b.next == nil {
		q.tail = b
	} else {
		b.next.prev = b
	}
}

// take removes and returns the first batch that is not being compressed; where order matters only
// the first is looked at.
func (q *queue) take(ordered bool) *Batch {
	for b := q.head; b != nil; b = b.next {
		if !b.Busy() {
			q.remove(b)
			return b
		}
		if ordered {
			return nil
		}
	}
	return nil
}

// pull removes b, if it is in q, and reports whether it was.
func (q *queue) pull(b *Batch) bool {
	if b.in != q {
		return false
	}
	q.remove(b)
	return true
}

// drain removes all batches and appends them to dst.
func (q *queue) drain(dst []*Batch) []*Batch {
	for b := q.head; b != nil; b = q.head {
		q.remove(b)
		dst = append(dst, b)
	}
	return dst
}

func (q *queue) remove(b *Batch) {
	if b.prev == nil {
		q.head = b.next
	} else {
		b.prev.next = b.next
	}
	if b.next == nil {
		q.tail = b.prev
	} else {
		b.next.prev = b.prev
	}
	b.in, b.prev, b.next = nil, nil, nil
}

// source is where the batches of a topic wait that go to one partition, or to any: the sealed ones,
// then the open one.
type source struct {
	kind      Kind
	partition int32
	hold      *Hold // what its batches wait for; nil: nothing
	dealt     queue // keyed batches dealt out anew; before all others
	sealed    queue
	open      *Batch
	hint      int // bytes of the last batch: how large the next begins
	waited    int // records that have waited for the lock while the batch was open
}

func (s *source) empty() bool { return s.open == nil && s.head() == nil }

// head returns the oldest sealed batch.
func (s *source) head() *Batch {
	if s.dealt.head != nil {
		return s.dealt.head
	}
	return s.sealed.head
}

// oldestBorn returns when the oldest record of s was sent. What was on hold may wait before older
// ones. S is not empty.
func (s *source) oldestBorn() time.Duration {
	born := s.oldest().born
	if b := s.sealed.head; b != nil {
		born = min(born, b.born)
	}
	if s.open != nil {
		born = min(born, s.open.born)
	}
	return born
}

// oldest returns the oldest batch, open or sealed.
func (s *source) oldest() *Batch {
	if b := s.head(); b != nil {
		return b
	}
	return s.open
}

// seal moves the open batch, if there is one, to the end of the sealed. Where order does not matter
// it goes before those that are younger: a shard's may have been sealed before it.
func (s *source) seal() *Batch {
	b := s.open
	switch {
	case b == nil:
		return nil
	case s.kind == Unkeyed:
		s.sealed.insert(b)
	default:
		s.sealed.push(b)
	}
	s.open, s.hint, s.waited = nil, cap(b.body), 0
	if s.kind != Unkeyed && len(b.body) < s.hint/4 {
		s.hint /= 2 // after a rush, a few records for each of many partitions would take as much
	}
	if b.extra > 0 {
		b.unstretch()
	}
	return b
}

// take removes and returns the oldest batch that may be sent, the open one only if seal is set.
func (s *source) take(seal bool) *Batch {
	ordered := s.kind != Unkeyed
	if s.dealt.head != nil {
		return s.dealt.take(ordered)
	}
	if s.sealed.head == nil && seal {
		s.seal()
	}
	return s.sealed.take(ordered)
}
