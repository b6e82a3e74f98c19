package buffer

import "time"

// How batches are found that can be given up to make room. Those that wait are in a list of their
// lane, in the order in which they were opened; what comes back to wait again goes to the front.
// What is in flight, or was written and is not answered, does not wait.

// waitList is a doubly linked list of batches that wait, guarded by the lock of their lane.
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

// insert puts b behind after, to the front if that is nil.
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

// waitLocked notes that b waits from now on, as the newest.
func (t *Topic) waitLocked(b *Batch) {
	t.lane.mu.Lock()
	t.lane.waiting.pushBack(b)
	t.lane.mu.Unlock()
}

// waitAgainLocked notes that batches wait which did so before, the first of them as the oldest.
func (t *Topic) waitAgainLocked(batches []*Batch) {
	t.lane.mu.Lock()
	for i := len(batches) - 1; i >= 0; i-- {
		t.lane.waiting.pushFront(batches[i])
	}
	t.lane.mu.Unlock()
}

// waitDealtLocked notes that a batch waits in the place of an older one: behind those that were
// dealt out before, if they still wait, so that those of one topic stand in their order. Others may
// follow it, if it was dealt out itself.
func (t *Topic) waitDealtLocked(b *Batch, dealt bool) {
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

// takenLocked notes that batches do not wait any more, and returns them.
func (t *Topic) takenLocked(batches ...*Batch) []*Batch {
	if len(batches) == 0 {
		return nil
	}
	t.lane.mu.Lock()
	for _, b := range batches {
		t.lane.waiting.remove(b)
	}
	t.lane.mu.Unlock()
	return batches
}

// TakeOldest removes and returns the batch that has waited longest in l, open or sealed, but for
// those that are being compressed; nil if none waits. The caller owns it, as after Take.
func (l *Lane) TakeOldest() *Batch {
	for {
		b := l.oldest()
		if b == nil {
			return nil
		}
		if b.topic.pull(b) { // else somebody else took it meanwhile, or is compressing it
			return b
		}
	}
}

// oldest returns the batch that TakeOldest is to take. Its topic is not locked yet: that lock comes
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

// pullLocked removes b, which waits, from where it does.
func (t *Topic) pullLocked(b *Batch) {
	if b.undealt {
		b.undealt = false
		t.undealt.pull(b)
		return
	}
	t.findLocked(b.kind, b.partition).pull(b)
}

// pull removes b, which is one of s.
func (s *source) pull(b *Batch) {
	if s.open == b {
		s.seal()
	}
	if !s.dealt.pull(b) {
		s.sealed.pull(b)
	}
}

// TakeOldest removes and returns the batch that was opened first of those that wait in t, but for
// those that are being compressed; nil if none waits. The caller owns it, as after Take.
func (t *Topic) TakeOldest() *Batch {
	t.mu.Lock()
	defer t.mu.Unlock()
	// what does not wait is in flight, and that is bounded
	for b := t.eldest; b != nil; b = b.allPrev {
		if b.waits && !b.Busy() {
			t.pullLocked(b)
			t.takenLocked(b)
			return b
		}
	}
	return nil
}

// Topics of one lane share it: none may hold more than a half while another wants room, and none
// more than its own share.

// hogging is how long a topic that holds more than half of what its lane may hold gets no more,
// after another was refused.
const hogging = time.Second

// reserve takes n bytes for a batch of t. A topic that is the largest of its lane is noted, so that
// it is known when another finds no room.
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

// withinShare fails if t must not get n bytes, whether there is room or not.
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
	// else it can have room of lower classes
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

// Curb has a hog get no more for a second from the monotonic time now on, while it is above half:
// another topic wants room.
func (l *Lane) Curb(hog *Topic, now time.Duration) {
	l.hogSince.Store(int64(now))
	l.hog.Store(hog)
}

// SetMaxShare bounds what the batches of t hold to a part of what its lane may hold at most; 0 ends
// that.
func (t *Topic) SetMaxShare(share float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.maxShare = share
}

// Held returns the bytes that the batches of t hold, and what their reports need.
func (t *Topic) Held() int64 { return t.held.Load() }

// Short returns the bytes for which there was no room when Append failed last.
func (t *Topic) Short() int64 { return t.short.Load() }

// Refuse counts a record that found no room in the end.
func (t *Topic) Refuse() { t.refused.Add(1) }
