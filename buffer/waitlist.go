package buffer

import "time"

// waitList is a doubly linked list of the batches of a lane that wait, guarded by the lane's lock.
// They are in the order in which they were opened; batches that wait again go to the front. A batch
// does not wait while it is in flight, or was written and not answered. Room is made by giving up
// the batch at the front.
type waitList struct{ head, tail *Batch }

func (w *waitList) pushBack(b *Batch) {
	b.waits, b.waitPrev, b.waitNext = true, w.tail, nil
	if w.tail == nil {
		w.head = b
	} else {
		w.tail.waitNext = b
	}
	w.tail = b
}

func (w *waitList) pushFront(b *Batch) {
	b.waits, b.waitPrev, b.waitNext = true, nil, w.head
	if w.head == nil {
		w.tail = b
	} else {
		w.head.waitPrev = b
	}
	w.head = b
}

// insert puts b behind after, or at the front if after is nil.
func (w *waitList) insert(b, after *Batch) {
	switch {
	case after == nil:
		w.pushFront(b)
	case after == w.tail:
		w.pushBack(b)
	default:
		b.waits, b.waitPrev, b.waitNext = true, after, after.waitNext
		after.waitNext.waitPrev = b
		after.waitNext = b
	}
}

func (w *waitList) remove(b *Batch) {
	if b.waitPrev == nil {
		w.head = b.waitNext
	} else {
		b.waitPrev.waitNext = b.waitNext
	}
	if b.waitNext == nil {
		w.tail = b.waitPrev
	} else {
		b.waitNext.waitPrev = b.waitPrev
	}
	b.waits, b.waitPrev, b.waitNext = false, nil, nil
}

// waitLocked notes that b waits, as the newest.
func (t *Topic) waitLocked(b *Batch) {
	t.lane.mu.Lock()
	t.lane.waiting.pushBack(b)
	t.lane.mu.Unlock()
	t.dueLocked(b)
}

// waitAgainLocked notes that batches wait again, the first of them as the oldest.
func (t *Topic) waitAgainLocked(batches []*Batch) {
	t.lane.mu.Lock()
	for i := len(batches) - 1; i >= 0; i-- {
		t.lane.waiting.pushFront(batches[i])
	}
	t.lane.mu.Unlock()
	for _, b := range batches {
		t.dueLocked(b)
	}
}

// waitDealtLocked notes that b waits in place of an older batch. It goes behind the batch that was
// dealt out before, if that still waits, so that the batches of a topic keep their order. If dealt
// is set, b itself was dealt out, and the next may go behind it.
func (t *Topic) waitDealtLocked(b *Batch, dealt bool) {
	t.dueLocked(b)
	t.lane.mu.Lock()
	defer t.lane.mu.Unlock()
	after := t.dealt
	if after != nil && (!after.waits || after.order > b.order) {
		after = nil
	}
	t.lane.waiting.insert(b, after)
	if dealt {
		t.dealt = b
	}
}

// takenLocked notes that batches no longer wait, and returns them.
func (t *Topic) takenLocked(batches ...*Batch) []*Batch {
	if len(batches) == 0 {
		return nil
	}
	t.lane.mu.Lock()
	for _, b := range batches {
		t.lane.waiting.remove(b)
	}
	t.lane.mu.Unlock()
	for _, b := range batches {
		t.undueLocked(b)
	}
	return batches
}

// TakeOldest removes and returns the batch that has waited longest in l, open or sealed, except
// those being compressed; nil if none waits. The caller owns it, as after Take.
func (l *Lane) TakeOldest() *Batch {
	for {
		b := l.oldest()
		if b == nil {
			return nil
		}
		if b.topic.pull(b) { // otherwise it was taken meanwhile, or is being compressed
			return b
		}
	}
}

// oldest returns the batch for TakeOldest to take. Its topic is not locked yet: that lock is taken
// before the lane's.
func (l *Lane) oldest() *Batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.waiting.head
	for b != nil && b.Busy() {
		b = b.waitNext
	}
	return b
}

// pull takes b, if it still waits.
func (t *Topic) pull(b *Batch) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !b.waits || b.Busy() {
		return false
	}
	t.pullLocked(b)
	t.takenLocked(b)
	return true
}

// pullLocked removes b, which waits, from its queue.
func (t *Topic) pullLocked(b *Batch) {
	if b.hold != nil {
		t.pullOnHoldLocked(b)
		return
	}
	if b.undealt {
		b.undealt = false
		t.undealt.pull(b)
		return
	}
	t.sealIfLocked(b)
	t.findLocked(b.kind, b.partition).pull(b)
}

// pull removes b, which is in s.
func (s *source) pull(b *Batch) {
	if s.open == b {
		s.seal()
	}
	if !s.dealt.pull(b) {
		s.sealed.pull(b)
	}
}

// TakeOldest removes and returns the waiting batch of t that was opened first, except those being
// compressed; nil if none waits. The caller owns it, as after Take.
func (t *Topic) TakeOldest() *Batch {
	t.mu.Lock()
	defer t.mu.Unlock()
	// batches that do not wait are in flight, and few
	for b := t.eldest; b != nil; b = b.allPrev {
		if b.waits && !b.Busy() {
			t.pullLocked(b)
			t.takenLocked(b)
			return b
		}
	}
	return nil
}

// hogging is how long a topic that holds more than half of what its lane may hold gets no more,
// after another topic was refused.
const hogging = time.Second

// reserve takes n bytes for a batch of t. It notes the largest topic of the lane, for the case that
// another topic finds no room.
func (t *Topic) reserve(n int64, now time.Duration) error {
	l := t.lane
	if err := t.withinShare(n, now); err != nil {
		t.short.Store(n)
		return err
	}
	if err := l.budget.Reserve(l.cfg.Load().Class, n); err != nil {
		t.short.Store(n)
		return err
	}
	held := t.held.Add(n)
	if top := l.largest.Load(); top != t && (top == nil || held > top.held.Load()) {
		l.largest.Store(t)
	}
	return nil
}

// withinShare returns ErrOverShare if t must not get n bytes, even if there is room. A topic may
// not exceed its share, nor half of what its lane may hold while another topic wants room.
func (t *Topic) withinShare(n int64, now time.Duration) error {
	l, held := t.lane, t.held.Load()+n
	if t.maxShare > 0 && held > int64(t.maxShare*float64(l.budget.Ceiling(l.cfg.Load().Class))) {
		return ErrOverShare
	}
	if l.hog.Load() != t {
		return nil
	}
	if now-time.Duration(l.hogSince.Load()) >= hogging {
		l.hog.CompareAndSwap(t, nil)
		return nil
	}
	// otherwise it may have room of lower classes
	if look := l.budget.Look(l.cfg.Load().Class, n); held > look.MayHold/2 && !look.Borrowed {
		return ErrOverShare
	}
	return nil
}

// Hog returns the topic of l that holds more than half of what l may hold, or nil.
func (l *Lane) Hog(mayHold int64) *Topic {
	if t := l.largest.Load(); t != nil && t.held.Load() > mayHold/2 {
		return t
	}
	return nil
}

// Curb gives hog no more room for a second from the monotonic time now, while it holds more than
// half. Call it when another topic wants room.
func (l *Lane) Curb(hog *Topic, now time.Duration) {
	l.hogSince.Store(int64(now))
	l.hog.Store(hog)
}

// SetMaxShare bounds the batches of t to a part of the most that its lane may hold; 0 means no
// bound.
func (t *Topic) SetMaxShare(share float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.maxShare = share
}

// Held returns the bytes that the batches of t and their reports hold.
func (t *Topic) Held() int64 { return t.held.Load() }

// Short returns the bytes for which there was no room when Append failed last.
func (t *Topic) Short() int64 { return t.short.Load() }

// Refuse counts a record that was refused for lack of room.
func (t *Topic) Refuse() { t.refused.Add(1) }
