package buffer

import "time"

// DealOut replaces a keyed batch that was taken by batches for a topic of count partitions, and lets them wait before
// everything newer. The batch must not have an unresolved attempt.
func (t *Topic) DealOut(b *Batch, count int32) error {
	forKey := t.lane.cfg.Load().ForKey
	children, err := b.split(func(_ int, r *Record) int32 { return forKey(t.name, r.Key, count) })
	if err != nil {
		return err
	}
	for _, c := range children {
		c.kind, c.count = Keyed, count
	}
	t.replace(b, children)
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range children {
		t.boundLocked(Keyed, c.partition).dealt.push(c)
	}
	t.waitDealtLocked(children)
	t.listLocked()
	return nil
}

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

// Pick replaces a batch, which was taken, by one of the records whose numbers are in picked and one of the others. Picked
// names some of its records, and not all. The caller owns both.
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

// Decompress replaces a compressed batch, which was taken, by one that is not and will not be. The caller owns it.
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

// split returns batches of the records of b, one for each value of group, which they carry as their partition. Their
// memory is taken whether the budget allows it or not, for without them b could never be delivered; so they are measured
// first, and get no more than they need.
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
	})
	return children, err
}

// measureParts returns empty batches for the values of group, whose held says how many bytes of records, and whose count
// how many records, they will have, and by number which of them each record goes to. Group is asked once for each: it may be the
// application's, and say something else a moment later.
func (b *Batch) measureParts(group func(i int, r *Record) int32) (children, by []*Batch, err error) {
	found := make(map[int32]*Batch)
	err = b.Each(func(i int, r *Record, _ time.Duration) {
		g := group(i, r)
		c := found[g]
		if c == nil {
			c = &Batch{topic: b.topic, partition: g, order: b.order, baseTime: r.Timestamp, reports: b.reports, History: b.History}
			found[g] = c
			children = append(children, c)
		}
		by = append(by, c)
		size := r.bodySize(r.Timestamp-c.baseTime, int64(c.count))
		c.held += int64(size + varintSize(int64(size)))
		c.count++
	})
	return children, by, err
}

// allot gives a batch that was measured its memory.
func (b *Batch) allot() {
	b.body = make([]byte, 0, b.held)
	if b.reports {
		b.metas = make([]meta, 0, b.count)
	}
	b.held, b.count = 0, 0
	b.charge(batchOverhead + int64(cap(b.body)) + int64(cap(b.metas))*metaBytes)
}

// replace puts children in the place of b among what t holds, in one step, so that nothing is counted twice or not at all.
func (t *Topic) replace(b *Batch, children []*Batch) {
	t.mu.Lock()
	t.dropLocked(b)
	for _, c := range children {
		t.holdLocked(c)
		c.waiters = append(c.waiters, b.waiters...)
	}
	for _, w := range b.waiters {
		w.add(len(children) - 1)
	}
	t.mu.Unlock()
	b.Release()
}
