package buffer

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// joinBelow is the size, in bytes of records, below which batches that are dealt out to one
// partition are joined. Otherwise a backlog for many partitions would become a batch for every few
// records, each with its own overhead.
const joinBelow = 8 << 10

// later is the group of records for which no batch can be begun yet. No partition has this number.
const later = math.MinInt32

// DealOut replaces a keyed batch, which was taken, by batches for a topic of count partitions. They
// wait before everything newer. The batch must not have an unresolved attempt. Records join small
// batches that were dealt out to their partition before. All new batches except the first take
// at most room bytes beyond what b held. The records for which there is no room wait as one batch,
// which TakeUndealt returns next.
func (t *Topic) DealOut(b *Batch, count int32, room int64) error {
	forKey := t.cfg.Load().ForKey
	begun := t.joinable()
	spent := int64(0)
	children, err := b.split(func(_ int, r *Record) int32 {
		p := forKey(t.name, r.Key, count)
		switch {
		case begun[p]:
			return p
		case spent > 0 && spent+batchOverhead > room:
			return later
		}
		spent += batchOverhead
		begun[p] = true
		return p
	})
	if err != nil {
		return err
	}
	kind, was := b.kind, b.count
	partition := b.partition
	for _, c := range children {
		if c.kind, c.count = Keyed, count; c.partition == later {
			c.kind, c.count, c.partition = kind, was, partition
		}
	}
	t.replace(b, children)
	for _, c := range children { // one at a time, so that no Send waits for all of them
		t.settleDealt(c, count)
	}
	return nil
}

// settleDealt has a batch that was dealt out wait behind older ones that were dealt out before, or
// joins it to the last of them. A batch that could not be dealt out waits as the next to be.
func (t *Topic) settleDealt(c *Batch, count int32) {
	t.mu.Lock()
	switch {
	case c.count != count:
		c.undealt = true
		t.undealt.insertByOrder(c, true)
		t.waitDealtLocked(c, false)
	case t.joinLocked(c):
		done := t.dropLocked(c)
		t.mu.Unlock()
		c.Release()
		finish(done)
		return
	default:
		t.boundLocked(Keyed, c.partition).dealt.insertByOrder(c, false)
		t.waitDealtLocked(c, true)
	}
	t.listLocked()
	t.mu.Unlock()
}

// joinable returns the partitions whose last dealt batch may take more records.
func (t *Topic) joinable() map[int32]bool {
	found := make(map[int32]bool)
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.keyed {
		if s != nil && s.dealt.tail != nil && s.dealt.tail.joins() {
			found[s.partition] = true
		}
	}
	return found
}

// joins reports whether a batch that waits may take more records.
func (b *Batch) joins() bool { return len(b.body) < joinBelow && b.stage.Load() == raw }

// joinLocked adds the records of c, which waits nowhere yet, to the last batch that was dealt out
// to its partition, if both are small and have the same history. It reports whether it did. The
// caller then drops c.
func (t *Topic) joinLocked(c *Batch) bool {
	s := t.findLocked(Keyed, c.partition)
	if s == nil || s.dealt.tail == nil {
		return false
	}
	cfg, into := t.cfg.Load(), s.dealt.tail
	if !into.joins() || len(c.body) >= joinBelow || into.count != c.count ||
		c.order < into.order || // it was on hold, and what follows it may go before into
		into.History != c.History || !into.mixes(cfg, c) ||
		t.flushedApartLocked(into, c) {
		return false
	}
	size, n := len(into.body), int64(into.records)
	if c.Each(func(_ int, r *Record, _ time.Duration) {
		framed := r.bodySize(r.Timestamp-into.baseTime, n)
		size += framed + varintSize(int64(framed))
		n++
	}) != nil || size > t.limitLocked(cfg) {
		return false
	}
	before := into.memory()
	// exactly sized: a buffer that doubles would be half empty
	into.body = append(make([]byte, 0, size), into.body...)
	if into.reports {
		into.metas = append(make([]meta, 0, n), into.metas...)
	}
	if c.Called() {
		into.calls = append(make([]call, 0, len(into.calls)+len(c.calls)), into.calls...)
	}
	_ = c.Each(func(_ int, r *Record, born time.Duration) {
		delta, size, _ := into.measure(r)
		into.add(r, born, delta, size)
	})
	into.born, into.last = min(into.born, c.born), max(into.last, c.last)
	t.dueEarlierLocked(into)
	into.charge(into.memory() - before)
	t.pending += uint64(c.records)
	return true
}

// flushedApartLocked reports whether a Flush waits for one of two batches and not for the other.
func (t *Topic) flushedApartLocked(a, b *Batch) bool {
	return slices.ContainsFunc(t.flushes,
		func(f flush) bool { return (a.order <= f.upTo) != (b.order <= f.upTo) })
}

// memory returns the bytes of the buffers of b.
func (b *Batch) memory() int64 {
	return int64(cap(b.body)) + int64(cap(b.metas))*metaBytes + int64(cap(b.calls))*callBytes
}

// Postpone has keyed batches, which were taken, wait to be dealt out. Until they are dealt out or
// gone, newer keyed batches cannot be taken, except those that were dealt out before. They can be
// given up to make room.
func (t *Topic) Postpone(batches ...*Batch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := t.undealt.drain(nil)
	t.takenLocked(all...)
	all = append(slices.Clone(batches), all...)
	slices.SortStableFunc(all, byOrder)
	for _, b := range all {
		b.undealt = true
		t.undealt.push(b)
	}
	t.waitAgainLocked(all)
	t.listLocked()
}

// TakeUndealt removes and returns the oldest batch that waits to be dealt out, or nil if there is
// none or it is being compressed. Left reports whether there was any.
func (t *Topic) TakeUndealt() (b *Batch, left bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if b = t.undealt.take(true); b != nil {
		b.undealt = false
		t.takenLocked(b)
	}
	return b, b != nil || t.undealt.head != nil
}

// PeekUndealt returns how many bytes larger the batch that TakeUndealt would return is without
// compression.
func (t *Topic) PeekUndealt() (more int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if b := t.undealt.head; b != nil && !b.Busy() {
		more = int64(b.RawSize() - b.Size())
	}
	return more
}

// HasDealt reports whether batches that were dealt out or given back wait.
func (t *Topic) HasDealt() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.keyed,
		func(s *source) bool { return s != nil && s.dealt.head != nil })
}

// byOrder compares batches by the time of their opening. Those of one age keep their order where
// the sort is stable.
func byOrder(a, b *Batch) int { return cmp.Compare(a.order, b.order) }

// Halve replaces a batch of two records or more, which was taken, by two. The caller owns them.
func (t *Topic) Halve(b *Batch) ([]*Batch, error) {
	half := b.records / 2
	return t.divide(b, func(i int, _ *Record) int32 {
		if i < half {
			return 0
		}
		return 1
	})
}

// Pick replaces a batch, which was taken, by two: one with the records whose indexes are in picked,
// one with the others. Picked must have some of the records, but not all. The caller owns both.
func (t *Topic) Pick(b *Batch, picked map[int]bool) (those, others *Batch, err error) {
	children, err := t.divide(b, func(i int, _ *Record) int32 {
		if picked[i] {
			return 0
		}
		return 1
	})
	if err != nil {
		return nil, nil, err
	}
	return children[0], children[1], nil
}

// Decompress replaces a compressed batch, which was taken, by one that is not compressed and stays
// so. The caller owns it.
func (t *Topic) Decompress(b *Batch) (*Batch, error) {
	children, err := t.divide(b, func(int, *Record) int32 { return 0 })
	if err != nil {
		return nil, err
	}
	children[0].stage.Store(final)
	return children[0], nil
}

// divide replaces b by batches of the same partition, one for each value of group, in rising order.
func (t *Topic) divide(b *Batch, group func(i int, r *Record) int32) ([]*Batch, error) {
	children, err := b.split(group)
	if err != nil {
		return nil, err
	}
	if len(children) == 2 && children[0].partition > children[1].partition {
		children[0], children[1] = children[1], children[0]
	}
	for _, c := range children {
		c.kind, c.count, c.partition = b.kind, b.count, b.partition
	}
	t.replace(b, children)
	return children, nil
}

// split returns batches of the records of b, one for each value of group, which becomes their
// partition. It takes their memory even beyond the budget, because without them b could never be
// delivered. So it measures first, and takes no more than they need.
func (b *Batch) split(group func(i int, r *Record) int32) ([]*Batch, error) {
	children, by, err := b.measureParts(group)
	if err != nil {
		return nil, err
	}
	for _, c := range children {
		c.allot()
	}
	err = b.Each(func(i int, r *Record, born time.Duration) {
		c := by[i]
		delta, size, _ := c.measure(r)
		c.add(r, born, delta, size)
		c.born = min(c.born, born) // what was joined to b stands behind younger records
	})
	return children, err
}

// measureParts returns empty batches, one for each value of group, and by index the batch that each
// record goes to. Their held and count are the bytes and the number of the records to come, and
// they have as many calls, but empty ones. Group is called once for each record: it may be the
// application's, and may change its answer.
func (b *Batch) measureParts(group func(i int, r *Record) int32) (children, by []*Batch,
	err error) {
	found := make(map[int32]*Batch)
	err = b.Each(func(i int, r *Record, _ time.Duration) {
		g := group(i, r)
		c := found[g]
		if c == nil {
			c = &Batch{topic: b.topic, partition: g, order: b.order, baseTime: r.Timestamp,
				last: b.last, ttl: b.ttl, reports: b.reports, History: b.History}
			found[g] = c
			children = append(children, c)
		}
		by = append(by, c)
		size := r.bodySize(r.Timestamp-c.baseTime, int64(c.count))
		c.held += int64(size + varintSize(int64(size)))
		c.count++
		if r.Call != nil {
			c.calls = append(c.calls, call{})
		}
	})
	return children, by, err
}

// allot gives a measured batch its memory.
func (b *Batch) allot() {
	b.body = make([]byte, 0, b.held)
	if b.reports {
		b.metas = make([]meta, 0, b.count)
	}
	if b.Called() {
		b.calls = make([]call, 0, len(b.calls))
	}
	b.held, b.count = 0, 0
	b.charge(batchOverhead + b.memory())
}

// replace puts children in place of b in the list of all batches, in one step, so that every record
// is counted once.
func (t *Topic) replace(b *Batch, children []*Batch) {
	t.mu.Lock()
	for _, c := range children {
		t.holdLocked(c, b)
	}
	done := t.dropLocked(b)
	t.mu.Unlock()
	b.Release()
	finish(done)
}
