package buffer

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/forebay-go/forebay/delivery"
)

// Topic is where the batches of one topic wait, in one lane. It is safe for concurrent use.
type Topic struct {
	name string
	lane *Lane
	cfg  atomic.Pointer[Config] // that of lane, or its own; see Lane.configOfLocked
	made time.Time
	// as many of shards may have an open batch; both change under mu, and are looked at without
	opened atomic.Int32
	shards atomic.Pointer[[]shard] // nil while none has an open batch

	_ [56]byte // what Send reads of every topic is not in a cache line with what it changes

	mu     sync.Mutex // guards what follows and the batches that are open or waiting
	closed bool
	outlet *Outlet
	// the dispatcher knows that there is work, or will when it asks for what is incoming
	listed bool
	served bool // it has taken batches of t: it knows t, and where it goes
	last   time.Duration
	limit  int // of its batches, for a while; 0: that of the lane

	unkeyed source
	bound   []*source // keyed and explicit, in no order
	// those of bound that are keyed, by partition + 1: the first is for "not known yet"
	keyed    []*source
	explicit map[int32]*source // those of bound that are explicit, by partition
	claim    int               // where in bound the next search for something to compress begins
	count    int32             // partitions of the topic, 0 while that is not known
	keys     bool              // there have been keyed records
	mixed    bool              // some keyed batch may be for another count
	dealt    *Batch            // the last that was dealt out
	// keyed batches that are to be dealt out: newer ones have to wait for them
	undealt queue

	timed []*source // un-keyed, for records with a TTL; only their open batches are in them
	dues  dues      // batches with a TTL that wait
	ages  dues      // those without, the oldest first

	// what is kept back, by what it waits for; nil if there is nothing
	onHold        map[*Hold]*onHold
	recordsOnHold uint64
	// no batch on hold was born earlier than a nanosecond before; 0: there is none. It changes
	// under mu, and is looked at without
	onHoldSince atomic.Int64
	undealtNews atomic.Bool // see UndealtNews

	overtaken map[string]time.Duration // see Overtake

	maxShare float64 // of what the lane may hold; 0: as much as it gets

	// every batch that is not resolved: open, waiting and in flight, the newest first; see
	// holdLocked
	all     *Batch
	eldest  *Batch // the last of them
	batches int    // of all
	// records in them; changed where the list is, or a batch of it, and nowhere else
	pending uint64
	flushes []flush        // that wait for some of them
	books   delivery.Books // but for Pending and Refused

	// bytes that the budget counts for its batches; it changes when the budget does
	held    atomic.Int64
	packed  packed
	short   atomic.Int64  // bytes for which there was no room last
	refused atomic.Uint64 // records for which there was none in the end
}

// Name returns the name of t.
func (t *Topic) Name() string { return t.name }

// Lane returns the lane of t.
func (t *Topic) Lane() *Lane { return t.lane }

// Config returns the configuration of t, which must not be changed. It differs from that of its
// lane in what Config.Own says.
func (t *Topic) Config() *Config { return t.cfg.Load() }

// Made returns when t was made, and began to count.
func (t *Topic) Made() time.Time { return t.made }

// Append adds a copy of r to an open batch of t. Where is the kind of r's partition; for Explicit,
// partition is its number. Now is the monotonic time. Append returns ErrFull, which may be
// ErrCeiling or ErrOverShare, or ErrClosed after the lane was closed or t freed. The caller checks
// the size of r before, and calls Refuse if it finally gives up for lack of room.
func (t *Topic) Append(r *Record, where Kind, partition int32, now time.Duration) error {
	return t.append(r, where, partition, now, false)
}

// AppendTight is Append in less room: if an open batch cannot grow, it begins a small one. Use it
// only after other batches were given up to make room. Otherwise it only makes batches small.
func (t *Topic) AppendTight(r *Record, where Kind, partition int32, now time.Duration) error {
	return t.append(r, where, partition, now, true)
}

func (t *Topic) append(r *Record, where Kind, partition int32, now time.Duration,
	tight bool) error {
	cfg := t.cfg.Load()
	var full *shard
	var waited bool
	free := where == Unkeyed && r.TTL == 0
	if free && t.opened.Load() > 0 || !t.mu.TryLock() {
		var added bool
		if added, full, waited = t.enter(cfg, r, free, now); added {
			return nil
		}
	}
	defer t.mu.Unlock()
	if t.closed {
		return ErrClosed
	}
	var err error
	switch {
	case free:
		err = t.addUnkeyedLocked(cfg, full, waited, r, now, tight)
	case where == Unkeyed:
		err = t.addTimedLocked(cfg, r, now, tight)
	default:
		err = t.addLocked(cfg, t.boundForLocked(cfg, r, where, partition), r, now, tight)
	}
	if err != nil {
		t.last = now // it is not idle
		return err
	}
	t.acceptLocked(cfg)
	return nil
}

// acceptLocked counts a record that was added.
func (t *Topic) acceptLocked(cfg *Config) {
	if t.books.Accepted++; t.books.Accepted%catchUpEvery == 0 {
		cfg.CatchUp()
	}
}

// catchUpEvery is the number of records between calls of Config.CatchUp.
const catchUpEvery = 64

// SmallBatch estimates the bytes that AppendTight needs for a record of so many framed bytes, which
// may have a Call.
func SmallBatch(framed int) int64 {
	return batchOverhead + int64(roundUp(framed)) + 16*metaBytes + 4*callBytes
}

// boundForLocked returns the source for a record with a key or a partition.
func (t *Topic) boundForLocked(cfg *Config, r *Record, where Kind, partition int32) *source {
	if where == Keyed {
		partition = -1
		if t.count > 0 {
			partition = cfg.ForKey(t.name, r.Key, t.count)
		}
	}
	return t.boundLocked(where, partition)
}

func (t *Topic) boundLocked(kind Kind, partition int32) *source {
	s := t.findLocked(kind, partition)
	if s != nil {
		return s
	}
	s = &source{kind: kind, partition: partition}
	t.bound = append(t.bound, s)
	if kind == Explicit {
		if t.explicit == nil {
			t.explicit = make(map[int32]*source)
		}
		t.explicit[partition] = s
	}
	if kind == Keyed {
		t.keys = true
		if missing := int(partition) + 2 - len(t.keyed); missing > 0 {
			t.keyed = append(t.keyed, make([]*source, missing)...)
		}
		t.keyed[partition+1] = s
	}
	return s
}

func (t *Topic) findLocked(kind Kind, partition int32) *source {
	switch {
	case kind == Unkeyed:
		return &t.unkeyed
	case kind == Keyed && int(partition)+1 < len(t.keyed):
		return t.keyed[partition+1]
	case kind == Explicit:
		return t.explicit[partition]
	}
	return nil
}

// addLocked adds r to the open batch of s, or to a new one if that does not take r, if there is
// memory.
func (t *Topic) addLocked(cfg *Config, s *source, r *Record, now time.Duration, tight bool) error {
	limit := t.limitLocked(cfg)
	if b := s.open; b != nil {
		delta, size, framed := b.measure(r)
		most := limit
		if !b.fits(framed, limit) && framed <= limit { // a larger one has a batch of its own
			most = t.stretchLocked(cfg, s, limit)
		}
		if b.fits(framed, most) && b.takes(cfg, r, now-b.born) {
			var err error
			if b.full(r, framed) {
				err = b.makeRoom(r, framed, most, now)
			}
			if err == nil {
				b.add(r, now, delta, size)
				t.pending++
			}
			if err == nil || !tight {
				return err
			}
		}
	}
	return t.beginLocked(cfg, s, r, limit, now, tight)
}

// beginLocked adds r to a new batch of s.
func (t *Topic) beginLocked(cfg *Config, s *source, r *Record, limit int, now time.Duration,
	tight bool) error {
	b := t.newBatch(cfg, s)
	b.ttl = classOf(r.TTL)
	delta, size, framed := b.measure(r)
	if err := b.reserve(batchOverhead, now); err != nil {
		return err
	}
	b.held = batchOverhead
	want := min(s.hint, limit+t.extraLocked(cfg, s, limit))
	if framed < want && !tight && t.lane.plenty(s, now) {
		_ = b.grow(want, want, now) // it is only a beginning
	}
	if err := b.makeRoom(r, framed, limit, now); err != nil {
		t.short.Add(b.held) // all of it is needed at once
		b.unreserve()
		return err
	}
	b.add(r, now, delta, size)
	if before := s.seal(); before != nil {
		t.outlet.Wake()
		if before.ttl != b.ttl { // otherwise batches of few records would be as large as full ones
			s.hint = len(before.body)
		}
	}
	s.open, t.last = b, now
	t.holdLocked(b, nil)
	t.waitLocked(b)
	if b.hold != nil {
		t.beginOnHoldLocked(b)
	}
	t.listLocked()
	t.tellLocked(cfg, b)
	return nil
}

// tellLocked has the dispatcher look at b, which was opened. It looks at once if it does not know t
// or need not wait, and otherwise when b has lingered or takes no more.
func (t *Topic) tellLocked(cfg *Config, b *Batch) {
	linger := cfg.LingerIn(time.Duration(t.outlet.linger.Load()))
	wait := min(linger, cfg.DeliveryTimeout)
	if b.ttl > 0 {
		wait = min(wait, b.ttl/ttlParts)
	}
	switch {
	case t.outlet.looksBy(b.born + wait):
	case t.served && wait > 0:
		t.outlet.ripen(b.born, wait)
	default:
		t.outlet.Wake()
	}
}

// Limit bounds the size of batches that are opened from now on, in bytes with the header; 0 ends
// that.
func (t *Topic) Limit(bytes int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.limit = bytes
}

// limitLocked returns the size limit of the records of a batch, in bytes.
func (t *Topic) limitLocked(cfg *Config) int {
	limit := cfg.BatchBytes
	if t.limit > 0 {
		limit = min(limit, max(t.limit, leastBatch))
	}
	return limit - HeaderBytes
}

// leastBatch is the least size that Limit can set, in bytes.
const leastBatch = 1 << 10

// plenty reports whether a batch of s may begin as large as the last one was. It may while half of
// the memory is free, or if the last one was filled quickly.
func (l *Lane) plenty(s *source, now time.Duration) bool {
	return l.ample() || s.open != nil && now-s.open.born < quickFill
}

// ample reports whether half of the memory is free.
func (l *Lane) ample() bool { return l.budget.Used() < l.budget.Max()/2 }

// quickFill is the time to fill a batch that counts as quick.
const quickFill = 100 * time.Millisecond

func (t *Topic) newBatch(cfg *Config, s *source) *Batch {
	b := &Batch{topic: t, kind: s.kind, partition: s.partition, order: t.lane.order.Add(1),
		reports: cfg.Reports, sums: cfg.Codec.None()}
	switch {
	case s.hold != nil:
		// its bytes change; keyed ones are dealt out when they are let go
		b.hold, b.sums = s.hold, false
	case s.kind == Keyed:
		b.count = t.count
	}
	return b
}

// holdLocked adds b to the list of all batches. If place is set, an older batch whose records b
// has, b goes there, otherwise to the front. So the list is in the order of opening.
func (t *Topic) holdLocked(b, place *Batch) {
	b.opened = b.born
	if place != nil {
		b.opened = place.opened
		b.allPrev, b.allNext = place.allPrev, place
	} else {
		b.allNext = t.all
	}
	if b.allPrev == nil {
		t.all = b
	} else {
		b.allPrev.allNext = b
	}
	if b.allNext == nil {
		t.eldest = b
	} else {
		b.allNext.allPrev = b
	}
	t.batches++
	t.pending += uint64(b.records)
	for i := range t.flushes {
		if b.order <= t.flushes[i].upTo {
			t.flushes[i].left++
		}
	}
}

// dropLocked removes b from the list of all batches. It returns the waiters for which b was the
// last. Call their Done without the lock.
func (t *Topic) dropLocked(b *Batch) (done []*Waiter) {
	if b.allPrev == nil {
		t.all = b.allNext
	} else {
		b.allPrev.allNext = b.allNext
	}
	if b.allNext == nil {
		t.eldest = b.allPrev
	} else {
		b.allNext.allPrev = b.allPrev
	}
	b.allPrev, b.allNext = nil, nil
	t.batches--
	t.pending -= uint64(b.records)
	if len(t.flushes) == 0 {
		return nil
	}
	left := t.flushes[:0]
	for _, f := range t.flushes {
		if b.order <= f.upTo {
			f.left--
		}
		if f.left == 0 {
			done = append(done, f.w)
		} else {
			left = append(left, f)
		}
	}
	clear(t.flushes[len(left):])
	t.flushes = left
	return done
}

// listLocked makes t known to the dispatcher.
func (t *Topic) listLocked() {
	if t.listed {
		return
	}
	t.listed = true
	t.outlet.add(t)
}
