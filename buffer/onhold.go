package buffer

import (
	"cmp"
	"errors"
	"slices"
	"time"
)

const (
	// onHoldShare is the part of the bound that records on hold may take, as a divisor. One schema
	// that nobody has registered must not take the room of everything else. A quarter is what a
	// lane may have in flight, too.
	onHoldShare = 4
	// onHoldBytes is the size of the table of a Hold in a topic, beside its name.
	onHoldBytes = 256
	// placeBytes is the size of a place in such a table.
	placeBytes = 192
)

// onHold is what a topic keeps back for one Hold. Its batches are in the lists of all and of what
// waits, but not where the dispatcher looks. It has at least one batch.
type onHold struct {
	places  map[place]*source
	batches int
	bytes   int64 // of the table, in the budget
}

// place is where records of a Hold go: keyed ones have partition -1, as others before the count of
// partitions is known.
type place struct {
	kind      Kind
	partition int32
	ttl       time.Duration // of the batch, if it is un-keyed
}

// placeOf returns the place of batches. Only un-keyed ones with different TTLs go side by side.
func placeOf(kind Kind, partition int32, ttl time.Duration) place {
	if kind != Unkeyed {
		ttl = 0
	}
	return place{kind, partition, ttl}
}

// AppendOnHold is Append, or with tight AppendTight, for a record that waits for h. If h was
// released, r is patched and does not wait.
func (t *Topic) AppendOnHold(h *Hold, r *Record, where Kind, partition int32, now time.Duration,
	tight bool) error {
	if kept, err := t.keep(h, r, where, partition, now, tight); kept || err != nil {
		return err
	}
	patched := *r
	patched.Value, _ = Patched(h, r.Value)
	return t.append(&patched, where, partition, now, tight)
}

// keep adds r to what t keeps back for h. It reports false if h was released and none is left here.
func (t *Topic) keep(h *Hold, r *Record, where Kind, partition int32, now time.Duration,
	tight bool) (kept bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false, ErrClosed
	}
	if where == Keyed {
		partition, t.keys = -1, true
	}
	s, err := t.placeLocked(h, placeOf(where, partition, classOf(r.TTL)))
	if s == nil {
		return false, err
	}
	cfg := t.cfg.Load()
	err = t.addLocked(cfg, s, r, now, tight)
	if errors.Is(err, ErrOnHold) && !tight { // where a large batch may not double a small one fits
		err = t.addLocked(cfg, s, r, now, true)
	}
	if err != nil {
		t.last = now // it is not idle
		t.forgetLocked(h)
		return false, err
	}
	t.recordsOnHold++
	t.acceptLocked(cfg)
	return true, nil
}

// placeLocked returns the source for records of h, nil if h was released and none is kept for it.
func (t *Topic) placeLocked(h *Hold, at place) (*source, error) {
	on := t.onHold[h]
	if on != nil && on.places[at] != nil {
		return on.places[at], nil
	}
	more := int64(placeBytes)
	if on == nil {
		more += onHoldBytes + int64(len(h.name))
	}
	if on == nil && !Keep(h, t) {
		return nil, nil
	}
	if err := t.reserveTable(more); err != nil {
		if on == nil {
			Leave(h, t)
		}
		return nil, err
	}
	if on == nil {
		on = &onHold{places: make(map[place]*source)}
		if t.onHold == nil {
			t.onHold = make(map[*Hold]*onHold)
		}
		t.onHold[h] = on
	}
	on.bytes += more
	s := &source{kind: at.kind, partition: at.partition, hold: h}
	on.places[at] = s
	return s, nil
}

// reserveTable takes n bytes for a table.
func (t *Topic) reserveTable(n int64) error {
	b, class := t.lane.budget, t.lane.cfg.Load().Class
	err := b.reserveOnHold(n, func() error { return b.Reserve(class, n) })
	if err != nil {
		t.short.Store(n)
	}
	return err
}

// forgetLocked drops the table of h if nothing is kept for it.
func (t *Topic) forgetLocked(h *Hold) {
	on := t.onHold[h]
	if on == nil || on.batches > 0 {
		return
	}
	delete(t.onHold, h)
	t.lane.budget.Adjust(t.lane.cfg.Load().Class, -on.bytes)
	t.lane.budget.onHold.Add(-on.bytes)
	if len(t.onHold) == 0 {
		t.onHold = nil
		t.onHoldSince.Store(0)
	}
	Leave(h, t)
}

// beginOnHoldLocked notes that b was opened for its Hold.
func (t *Topic) beginOnHoldLocked(b *Batch) {
	t.onHold[b.hold].batches++
	if since, is := t.OnHoldSince(); !is || b.born < since {
		t.onHoldSince.Store(int64(b.born) + 1)
	}
}

// endOnHoldLocked notes that b, which was pulled out of its source, waits for its Hold no more.
func (t *Topic) endOnHoldLocked(b *Batch) {
	t.recordsOnHold -= uint64(b.records)
	t.lane.budget.onHold.Add(-b.held)
	t.onHold[b.hold].batches--
	t.forgetLocked(b.hold)
}

// Released lets go what t keeps back for h, a batch at a time, so that no Send waits for all of
// them. A record that is sent meanwhile goes behind them.
func (t *Topic) Released(h *Hold) {
	for t.letGo(h) {
	}
}

// letGo lets the next batch go that is kept back for h, or with the last all that are open. It
// reports whether there are more.
func (t *Topic) letGo(h *Hold) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	on := t.onHold[h]
	if on == nil {
		return false
	}
	t.listLocked()
	t.outlet.Wake()
	for _, s := range on.places {
		if b := s.sealed.head; b != nil {
			s.sealed.remove(b)
			t.letGoLocked(b)
			return true
		}
	}
	for _, s := range on.places {
		if b := s.seal(); b != nil {
			s.sealed.remove(b)
			t.letGoLocked(b)
		}
	}
	return false
}

// letGoLocked puts b, which was pulled out of its source, where others of its kind wait. No newer
// record of a key or a chosen partition may join an older batch then: open ones are sealed. So the
// queues stay in the order of opening.
func (t *Topic) letGoLocked(b *Batch) {
	b.apply(b.hold.patch.Load())
	t.endOnHoldLocked(b)
	b.hold = nil
	switch b.kind {
	case Unkeyed:
		t.unkeyed.sealed.insert(b)
	case Explicit:
		s := t.boundLocked(Explicit, b.partition)
		s.seal()
		s.sealed.insertByOrder(b, false)
	case Keyed:
		for _, s := range t.keyed {
			if s != nil {
				s.seal()
			}
		}
		b.undealt = true
		t.undealt.insertByOrder(b, false)
		t.undealtNews.Store(true)
	}
}

// apply writes p into the values of b, which is not compressed.
func (b *Batch) apply(p *patch) {
	rest := reader{src: b.body}
	for range b.records {
		r := reader{src: rest.bytes(rest.varint())}
		r.bytes(1)
		r.varint()
		r.varint()
		r.nullable()
		p.into(r.nullable())
	}
}

// UndealtNews reports, once, that keyed batches were let go and wait to be dealt out.
func (t *Topic) UndealtNews() bool { return t.undealtNews.Load() && t.undealtNews.Swap(false) }

// OnHoldSince returns a monotonic time that no record on hold is older than, and whether there is
// any. It takes no lock.
func (t *Topic) OnHoldSince() (since time.Duration, is bool) {
	since = time.Duration(t.onHoldSince.Load())
	return since - 1, since > 0
}

// OnHold returns how many records are on hold, and the Holds that they wait for, by name.
func (t *Topic) OnHold() (records uint64, holds []*Hold) {
	if _, is := t.OnHoldSince(); !is {
		return 0, nil
	}
	t.mu.Lock()
	records = t.recordsOnHold
	for h := range t.onHold {
		holds = append(holds, h)
	}
	t.mu.Unlock()
	slices.SortFunc(holds, func(a, b *Hold) int { return cmp.Compare(a.name, b.name) })
	return records, holds
}

// sinceOnHoldLocked finds out when the oldest record on hold was sent.
func (t *Topic) sinceOnHoldLocked() {
	next := int64(0)
	for _, on := range t.onHold {
		for _, s := range on.places {
			if s.empty() {
				continue
			}
			if born := int64(s.oldestBorn()) + 1; next == 0 || born < next {
				next = born
			}
		}
	}
	t.onHoldSince.Store(next)
}

// pullOnHoldLocked removes b, which is on hold, from its source.
func (t *Topic) pullOnHoldLocked(b *Batch) {
	t.onHold[b.hold].places[placeOf(b.kind, b.partition, b.ttl)].pull(b)
	t.endOnHoldLocked(b)
}

// sealOnHoldLocked seals all batches on hold.
func (t *Topic) sealOnHoldLocked() {
	for _, on := range t.onHold {
		for _, s := range on.places {
			s.seal()
		}
	}
}
