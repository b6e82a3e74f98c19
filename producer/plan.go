package producer

import (
	"cmp"
	"slices"
	"time"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/partitioner"
)

const (
	slotsPerBroker  = 2       // requests in flight
	maxRequestBytes = 8 << 20 // a broker takes up to 100 MiB by default, but has to buffer it
	firstRequest    = 1 << 20 // until a broker has shown that it can take more
)

// brokerState is one broker, as one lane sends to it.
type brokerState struct {
	partitioner.Load // what is ready for it, in the poll that is going on

	lingered  bool // of what is ready for it, one open batch has lingered for its time
	usable    bool // by the view
	flying    int  // requests
	fails     int  // in a row
	retryAt   time.Duration
	sickFirst bool // of every two requests one looks for a sick partition first: a busy broker would never get to it
	limit     int  // bytes of a request: doubled by success, halved by a connection that died with one
}

// free reports whether a request may be sent to b now. A broker that has just failed gets one at a time.
func (b *brokerState) free(now time.Duration, alarm *alarm) bool {
	slots := slotsPerBroker
	if b.fails > 0 {
		slots = 1
	}
	if !b.usable || b.flying >= slots {
		return false
	}
	if b.retryAt > now {
		alarm.by(b.retryAt)
		return false
	}
	return true
}

// sendOne sends one request, to the broker that can take batches of the most topics that are ready, and reports whether
// there was any.
func (d *dispatcher) sendOne(now time.Duration, alarm *alarm) bool {
	if d.inFlight >= d.p.cfg.Buffer.MaxBytes/4 {
		return false
	}
	d.loads = d.loads[:0]
	for _, b := range d.brokers {
		b.Topics, b.lingered = 0, false
		d.loads = append(d.loads, &b.Load)
	}
	for _, ts := range d.active {
		d.poll(ts, now, alarm)
	}
	for {
		l := partitioner.Pick(d.loads)
		if l == nil {
			return false
		}
		b := d.brokers[l.ID]
		if s := d.load(b, now, alarm); s != nil {
			d.launch(s)
			return true
		}
		l.Topics = 0 // what is ready there waits for a producer ID
	}
}

// poll adds ts to the load of each broker that could take something of it that is ready.
func (d *dispatcher) poll(ts *topicState, now time.Duration, alarm *alarm) {
	if !d.anyReady(ts, now) {
		return
	}
	for _, p := range ts.parts {
		if !p.idle(now, alarm) {
			continue
		}
		is, open := d.readiness(ts, p, now)
		if !is || !p.leader.free(now, alarm) {
			continue
		}
		p.leader.lingered = p.leader.lingered || open
		if !slices.Contains(ts.counted, p.leader) {
			ts.counted = append(ts.counted, p.leader)
			p.leader.Topics++
		}
	}
	ts.counted = ts.counted[:0]
}

// anyReady reports whether anything of ts is ready, wherever it may go.
func (d *dispatcher) anyReady(ts *topicState, now time.Duration) bool {
	for i := range ts.waiting {
		if w := &ts.waiting[i]; w.Sealed || d.ripe(w, now, false) {
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

// readiness reports whether something of ts is ready that p could take, and whether that is an open batch.
func (d *dispatcher) readiness(ts *topicState, p *partition, now time.Duration) (is, open bool) {
	if p.pinned != nil {
		return true, false
	}
	for i := range ts.waiting {
		w := &ts.waiting[i]
		switch {
		case !ts.suits(w, p):
		case w.Sealed && (w.Kind != buffer.Unkeyed || !d.ripe(w, now, false)):
			is = is || !w.Busy
		case d.ripe(w, now, false):
			is, open = true, true
		}
	}
	return is, open
}

// suits reports whether p could take what w describes.
func (ts *topicState) suits(w *buffer.Waiting, p *partition) bool {
	switch w.Kind {
	case buffer.Unkeyed:
		return true
	case buffer.Keyed:
		return w.Partition == p.id && !ts.dealing
	default:
		return w.Partition == p.id
	}
}

// load fills a request for b: one batch for each of its partitions that has something to take. When the linger of
// one open batch is over the others go with it, for they would need requests of their own a moment later.
func (d *dispatcher) load(b *brokerState, now time.Duration, alarm *alarm) *shipment {
	s := &shipment{d: d, broker: b}
	b.sickFirst = !b.sickFirst
	if b.sickFirst && d.loadSick(s, now, alarm) {
		return s
	}
	for i := range d.active {
		at := (d.turn + i) % len(d.active)
		ts := d.active[at]
		for _, p := range ts.candidates(b, now, alarm) {
			if !p.sick && !d.put(s, ts, p, now, alarm) {
				d.turn = at // the next request begins with what had no room in this one
				return s.orNil()
			}
		}
	}
	if len(s.items) == 0 {
		d.loadSick(s, now, alarm)
	}
	return s.orNil()
}

// loadSick puts the batch of one partition into s whose last attempt failed, and reports whether there was any.
func (d *dispatcher) loadSick(s *shipment, now time.Duration, alarm *alarm) bool {
	for _, ts := range d.active {
		for _, p := range ts.candidates(s.broker, now, alarm) {
			if p.sick && d.put(s, ts, p, now, alarm) && len(s.items) > 0 {
				return true
			}
		}
	}
	return false
}

// candidates returns the partitions of ts that b leads and that may be given a batch: those first that were used longest
// ago.
func (ts *topicState) candidates(b *brokerState, now time.Duration, alarm *alarm) []*partition {
	if len(ts.waiting) == 0 && !ts.anyPinned() {
		return nil
	}
	found := ts.scratch[:0]
	for _, p := range ts.parts {
		if p.leader == b && p.idle(now, alarm) {
			found = append(found, p)
		}
	}
	ts.scratch = found
	slices.SortFunc(found, func(a, b *partition) int { return cmp.Compare(a.used, b.used) })
	return found
}

// put adds a batch for p to s, if one is there. It returns false when s has no more room.
func (d *dispatcher) put(s *shipment, ts *topicState, p *partition, now time.Duration, alarm *alarm) bool {
	lingered := s.broker.lingered
	size := 0
	kind, from, seal := buffer.Unkeyed, int32(-1), false
	if p.pinned != nil {
		size = p.pinned.Size()
	} else {
		w := d.choose(ts, p, now, lingered)
		if w == nil {
			return true
		}
		kind, from, seal, size = w.Kind, w.Partition, d.ripe(w, now, lingered), w.Bytes
	}
	if len(s.items) > 0 && (s.bytes+size > min(s.broker.limit, maxRequestBytes) || d.inFlight+int64(s.bytes+size) > d.p.cfg.Buffer.MaxBytes/4) {
		return false
	}
	if !d.number(ts, p) {
		alarm.by(now + retryMin)
		return true
	}
	b := p.pinned
	if b == nil {
		if b = ts.t.Take(kind, from, seal); b == nil {
			return true
		}
	}
	p.pinned = nil
	s.add(ts, p, b)
	ts.survey()
	return true
}

// choose returns what p takes next of ts: the oldest of what belongs to it and what may go anywhere.
func (d *dispatcher) choose(ts *topicState, p *partition, now time.Duration, lingered bool) *buffer.Waiting {
	var best *buffer.Waiting
	for i := range ts.waiting {
		w := &ts.waiting[i]
		if !ts.suits(w, p) || w.Busy && w.Kind != buffer.Unkeyed || !w.Sealed && !d.ripe(w, now, lingered) {
			continue
		}
		if best == nil || w.Oldest < best.Oldest {
			best = w
		}
	}
	return best
}

// ripe reports whether an open batch may be taken.
func (d *dispatcher) ripe(w *buffer.Waiting, now time.Duration, lingered bool) bool {
	return w.Open && (lingered || now-w.OpenSince >= d.p.cfg.Batching.Linger)
}

// number makes sure that the next batch of p can be numbered. It returns false while there is no producer ID. A batch that
// was written and not answered, and cannot keep its numbers, may be in Kafka twice after this attempt.
func (d *dispatcher) number(ts *topicState, p *partition) bool {
	if !p.orphan && d.link.Current(p.seq) {
		if p.pinned != nil && (p.seq.ID < 0 || forgotten(p.pinned)) {
			ts.t.CountDuplicates(p.pinned)
		}
		return true
	}
	seq, ok := d.link.Renew(p.seq)
	if !ok {
		return false
	}
	if p.pinned != nil {
		ts.t.CountDuplicates(p.pinned)
	}
	p.seq, p.orphan = seq, false
	return true
}

// brokerMemory is how long brokers remember a producer, by the timestamps of its records: a day by default. Half of that is
// relied on.
const brokerMemory = 12 * time.Hour

// forgotten reports whether the records of b are so old that a broker may not find a duplicate of it.
func forgotten(b *buffer.Batch) bool {
	_, highest := b.Times()
	return time.Since(time.UnixMilli(highest)) > brokerMemory
}
