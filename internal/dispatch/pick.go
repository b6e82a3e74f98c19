package dispatch

import (
	"cmp"
	"slices"
	"time"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/internal/gate"
)

// sendOne sends one request, to the broker whose partitions have waited longest for what is there
// for them, and reports whether there was any.
func (d *dispatcher) sendOne(now time.Duration, alarm *alarm) bool {
	if !slices.ContainsFunc(d.active, func(ts *topicState) bool { return d.anyReady(ts, now) }) {
		return false
	}
	d.loads = d.loads[:0]
	for _, b := range d.brokers {
		b.Ready, b.Waited, b.lingered, b.full = 0, 0, false, false
		b.alone = d.cluster.gate.Alone(d.lane.Priority, b.ID, now)
		d.loads = append(d.loads, &b.Load)
	}
	for _, ts := range d.active {
		d.poll(ts, now, alarm)
	}
	full := d.inFlight >= d.settings.BufferBytes/4
	d.press(full, now, alarm)
	for !full {
		l := Pick(d.loads)
		if l == nil {
			return false
		}
		b := d.brokers[l.ID]
		if !d.mayUse(b, now, alarm) {
			l.Ready = 0
			continue
		}
		if s := d.load(b, now, alarm); s != nil {
			if b.lingered {
				d.opened = now
			}
			b.sizes.sent(s.bytes+s.framing, now)
			d.launch(s)
			d.cluster.gate.Sent(d.lane.Priority, b.ID, s.bytes, now)
			for _, it := range s.items {
				alarm.by(it.batch.Born() + d.settings.DeliveryTimeout) // it expires in flight too
			}
			return true
		}
		l.Ready = 0 // what is ready there waits for a producer ID
	}
	return false
}

// pressAgain is how soon it is said again that batches press; what was said holds twice as long.
const pressAgain = gate.PressFor / 2

// press says to which brokers more is ready than they take, so that lower lanes hold back there:
// all of them, where the lane has as much in flight as it may have.
func (d *dispatcher) press(full bool, now time.Duration, alarm *alarm) {
	for id, b := range d.brokers {
		if b.full || full && b.Ready > 0 {
			d.cluster.gate.Pressing(d.lane.Priority, id, now)
			alarm.by(now + pressAgain)
		}
	}
}

// mayUse reports whether no higher lane needs the broker more.
func (d *dispatcher) mayUse(b *brokerState, now time.Duration, alarm *alarm) bool {
	ok, again := d.cluster.gate.May(d.lane.Priority, b.ID, now)
	if !ok {
		alarm.by(again)
	}
	return ok
}

// poll adds ts to the load of each broker that could take something of it: what is ready, or what
// would go with that.
func (d *dispatcher) poll(ts *topicState, now time.Duration, alarm *alarm) {
	for _, p := range ts.all {
		if !p.idle(now, alarm) {
			continue
		}
		is, lingered, open := d.readiness(ts, p, now)
		if !is && !open {
			continue
		}
		if !p.leader.takes(p, now, alarm) {
			p.leader.full = p.leader.full || is && p.leader.usable &&
				p.leader.flying >= p.leader.slots()
			continue
		}
		p.leader.lingered = p.leader.lingered || lingered
		if is {
			p.leader.Ready++
		}
		p.leader.served(ts, d.tick-p.used)
	}
	for _, b := range ts.counted {
		b.Waited += b.longest
	}
	ts.counted = ts.counted[:0]
}

// served notes that b could serve a partition of ts, and that it was used so many batches ago. Of
// each topic, the one counts that was used first.
func (b *brokerState) served(ts *topicState, ago uint64) {
	if !slices.Contains(ts.counted, b) {
		ts.counted = append(ts.counted, b)
		b.longest = 0
	}
	b.longest = max(b.longest, ago+1)
}

// anyReady reports whether anything of ts is ready, wherever it may go.
func (d *dispatcher) anyReady(ts *topicState, now time.Duration) bool {
	for i := range ts.waiting {
		if w := &ts.waiting[i]; w.Sealed || d.ripe(w, now) {
			return true
		}
	}
	return ts.anyPinned()
}

// idle reports whether p may be given a batch, as far as p itself is concerned.
func (p *partition) idle(now time.Duration, alarm *alarm) bool {
	if p.flying != nil || p.leader == nil {
		return false
	}
	if p.retryAt > now {
		alarm.by(p.retryAt)
		return false
	}
	return true
}

// readiness reports whether something of ts is ready that p could take, whether that is an open
// batch that has lingered, and whether there is an open batch for it: one that is ready, or would
// go with what is.
func (d *dispatcher) readiness(ts *topicState, p *partition, now time.Duration) (is, lingered,
	open bool) {
	if p.pinned != nil {
		return true, false, false
	}
	for i := range ts.waiting {
		w := &ts.waiting[i]
		if !ts.suits(w, p, d.settings.Linger, now) {
			continue
		}
		mayOpen := w.Open && p.leader.takesOpen()
		switch ripe := mayOpen && d.ripe(w, now); {
		case w.Sealed && (w.Kind != buffer.Unkeyed || !ripe):
			is = is || !w.Busy
		case mayOpen:
			is, lingered, open = is || ripe, lingered || ripe, true
		}
	}
	return is, lingered, open
}

// suits reports whether p could take what w describes.
func (ts *topicState) suits(w *buffer.Waiting, p *partition, linger, now time.Duration) bool {
	switch w.Kind {
	case buffer.Unkeyed:
		return ts.opensTo(p, w.Oldest+linger, now)
	case buffer.Keyed:
		return w.Partition == p.id && p.stream == 0 && !ts.dealing
	default:
		return w.Partition == p.id && p.stream == 0
	}
}

// load fills a request for b: one batch for each of its partitions that has something to take. When
// the linger of one open batch is over the others go with it, for they would need requests of their
// own a moment later.
func (d *dispatcher) load(b *brokerState, now time.Duration, alarm *alarm) *shipment {
	if b.asideFree(now, alarm) {
		if s := d.loadAside(b, now, alarm); s != nil {
			return s
		}
	}
	if !b.free(now, alarm) {
		return nil
	}
	s := &shipment{d: d, broker: b, most: d.most(b, now)}
	for i := range d.active {
		at := (d.turn + i) % len(d.active)
		ts := d.active[at]
		for _, p := range ts.candidates(b, now, alarm) {
			if p.pace == apace && !d.put(s, ts, p, now, alarm) {
				d.turn = at // the next request begins with what had no room in this one
				return s.orNil()
			}
		}
	}
	return s.orNil()
}

// most returns how large a request for b may be. Beside a higher lane it is a batch: that lane
// waits no longer than for one.
func (d *dispatcher) most(b *brokerState, now time.Duration) int {
	if !b.alone {
		return min(b.sizes.ceiling(now), d.settings.BatchBytes)
	}
	return min(b.sizes.ceiling(now), maxRequestBytes)
}

// loadAside fills a request of partitions that would hold up others: those that may be slow, in
// ever smaller company, and only then those that are, with one another. What may be is soon known.
func (d *dispatcher) loadAside(b *brokerState, now time.Duration, alarm *alarm) *shipment {
	if !slices.ContainsFunc(d.active, (*topicState).anyAside) {
		return nil
	}
	s := &shipment{d: d, broker: b, aside: true, most: d.most(b, now)}
	d.fillAside(s, now, alarm, func(p *partition) bool {
		return p.pace > apace && len(s.items) < p.pace &&
			!slices.ContainsFunc(s.items, func(it *item) bool { return it.p.pace <= len(s.items) })
	})
	if len(s.items) == 0 {
		d.fillAside(s, now, alarm, func(p *partition) bool { return p.pace == slow })
	}
	return s.orNil()
}

// fillAside adds batches to s for the partitions that may join.
func (d *dispatcher) fillAside(s *shipment, now time.Duration, alarm *alarm,
	may func(*partition) bool) {
	for _, ts := range d.active {
		for _, p := range ts.candidates(s.broker, now, alarm) {
			if may(p) && !d.put(s, ts, p, now, alarm) {
				return
			}
		}
	}
}

// candidates returns the partitions of ts that b leads and that may be given a batch: those first
// that were used longest ago.
func (ts *topicState) candidates(b *brokerState, now time.Duration, alarm *alarm) []*partition {
	if len(ts.waiting) == 0 && !ts.anyPinned() {
		return nil
	}
	found := ts.scratch[:0]
	for _, p := range ts.all {
		if p.leader == b && p.idle(now, alarm) {
			found = append(found, p)
		}
	}
	ts.scratch = found
	slices.SortFunc(found, func(a, b *partition) int { return cmp.Compare(a.used, b.used) })
	return found
}

// put adds a batch for p to s, if one is there. It returns false when s has no more room.
func (d *dispatcher) put(s *shipment, ts *topicState, p *partition, now time.Duration,
	alarm *alarm) bool {
	lingered := s.broker.lingered && s.takesOpen()
	size := 0
	kind, from, seal := buffer.Unkeyed, int32(-1), false
	if p.pinned != nil {
		size = p.pinned.Size()
	} else {
		w := d.choose(ts, p, now, lingered, s.takesOpen())
		if w == nil {
			return true
		}
		kind, from, seal, size = w.Kind, w.Partition, s.takesOpen() &&
			(lingered && w.Open || d.ripe(w, now)), w.Bytes
	}
	if s.has(ts, p) {
		return true
	}
	if len(s.items) > 0 && (s.bytes+s.framing+size > s.most ||
		d.inFlight+int64(s.bytes+size) > d.settings.BufferBytes/4) {
		return false
	}
	if !d.numberable(p) {
		d.troubles.nameless = now
		alarm.by(now + retryMin)
		return true
	}
	b := p.pinned
	if b == nil {
		if b = ts.t.Take(kind, from, seal); b == nil {
			return true
		}
		if b.BuiltForOther(ts.count) { // another dispatcher has just given it back
			ts.stale, ts.dealing = append(ts.stale, b), true
			ts.survey()
			alarm.by(now)
			return true
		}
	}
	if p.pinned == nil && d.halveBefore(s.broker, ts, p, b, now) {
		alarm.by(now)
		return true
	}
	if !d.number(ts, p, b) { // the producer ID has just been lost
		if p.pinned == nil {
			ts.t.Requeue(b)
		}
		alarm.by(now + retryMin)
		return true
	}
	if p.pinned == nil && b.Kind() == buffer.Unkeyed {
		ts.batches++
		d.designate(ts, now)
	}
	p.pinned = nil
	s.add(ts, p, b)
	ts.survey()
	return true
}

// choose returns what p takes next of ts: the oldest of what belongs to it and what may go
// anywhere.
func (d *dispatcher) choose(ts *topicState, p *partition, now time.Duration, lingered,
	open bool) *buffer.Waiting {
	var best *buffer.Waiting
	for i := range ts.waiting {
		w := &ts.waiting[i]
		if !ts.suits(w, p, d.settings.Linger, now) || w.Busy && w.Kind != buffer.Unkeyed ||
			!w.Sealed && !(open && (lingered || d.ripe(w, now))) {
			continue
		}
		if best == nil || w.Oldest < best.Oldest {
			best = w
		}
	}
	return best
}

// ripe reports whether there is an open batch that has lingered.
func (d *dispatcher) ripe(w *buffer.Waiting, now time.Duration) bool {
	return w.Open && now >= d.due(w)
}

// due returns when an open batch has lingered. One that may go anywhere had no partition at the
// broker of the last request that took open batches, or it would have gone too: it waits for the
// next such request, a linger later, no longer than that.
func (d *dispatcher) due(w *buffer.Waiting) time.Duration {
	linger := d.settings.Linger
	if w.Kind != buffer.Unkeyed {
		return w.OpenSince + linger
	}
	return w.OpenSince + linger + min(max(0, d.opened-w.OpenSince), linger)
}

// memoryMargin is what is taken off how long a broker remembers a producer: an attempt may take so
// long until it is there.
const memoryMargin = patienceMax

// relied returns how much is relied on of the time for which a broker remembers a producer: half of
// it.
func relied(memory time.Duration) time.Duration {
	return max(0,
		min(memory/2, memory-memoryMargin))
}

// forgotten reports whether the records of b, which was written to p, are so old that its broker
// may not find a duplicate of it. Brokers go by the highest timestamp of the last batch, which is
// the time of the append where the topic says so: that is no earlier than the first Send.
func (d *dispatcher) forgotten(p *partition, b *buffer.Batch) bool {
	_, highest := b.Times()
	age := max(time.Since(time.UnixMilli(highest)), d.engine.clock.Mono()-b.Born())
	return age > relied(d.cluster.Memory(p.leader.ID))
}
