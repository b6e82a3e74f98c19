package dispatch

import (
	"cmp"
	"slices"
	"time"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/internal/cluster"
	"github.com/forebay-go/forebay/partitioner"
)

// load fills a request for b, which goes by way unless it is aside, with one batch for each of its
// partitions. When one open batch has
// lingered, the others go with it: they would need requests of their own a moment later.
func (se *sender) load(b *brokerState, way cluster.Way) *shipment {
	if b.asideFree(se.pass) {
		if s := se.loadAside(b); s != nil {
			return s
		}
	}
	if !b.free(se.pass) {
		return nil
	}
	s := &shipment{core: se.core, broker: b, way: way, most: se.most(b)}
	se.fill(s, &b.turn, func(st *stream) bool { return st.pace == apace })
	return s.orNil()
}

// fill adds batches to s for the partitions that may join it. It begins with the topic at turn in
// active, and has the next request to that broker begin with what could not go with this one: it
// had no room, or other acks. A topic that has filled a whole request comes last in the next.
func (se *sender) fill(s *shipment, turn *int, may func(*stream) bool) {
	begin, excluded := *turn, -1
	for i := range se.active {
		at := (begin + i) % len(se.active)
		ts := se.active[at]
		streams := ts.candidates(s.broker, se.pass)
		if len(streams) > 0 && s.excludes(ts) {
			if excluded < 0 {
				excluded = at
			}
			continue
		}
		had := len(s.items)
		for _, st := range streams {
			if !may(st) || se.put(s, ts, st) {
				continue
			}
			switch {
			case excluded >= 0:
				*turn = excluded
			case had == 0:
				*turn = at + 1
			default:
				*turn = at
			}
			return
		}
	}
	if excluded >= 0 {
		*turn = excluded
	}
}

// most returns how large a request for b may be. While a higher lane uses b, it is one batch, so
// that the higher lane waits for no more than that.
func (se *sender) most(b *brokerState) int {
	if !b.alone {
		return min(b.sizes.ceiling(se.pass.now), se.pass.BatchBytes)
	}
	return min(b.sizes.ceiling(se.pass.now), maxRequestBytes)
}

// loadAside fills a request with partitions that could delay others. Suspects travel in ever
// smaller groups until the slow one is found; known slow partitions travel together.
func (se *sender) loadAside(b *brokerState) *shipment {
	if !slices.ContainsFunc(se.active, (*topicState).anyAside) {
		return nil
	}
	s := &shipment{core: se.core, broker: b, way: cluster.Aside, most: se.most(b)}
	se.fill(s, &b.asideTurn, func(st *stream) bool {
		return st.pace > apace && len(s.items) < st.pace &&
			!slices.ContainsFunc(s.items,
				func(it *item) bool { return it.stream.pace <= len(s.items) })
	})
	if len(s.items) == 0 {
		se.fill(s, &b.asideTurn, func(st *stream) bool { return st.pace == slow })
	}
	return s.orNil()
}

// candidates returns the streams of ts that b leads and that may be given a batch, the least
// recently used first.
func (ts *topicState) candidates(b *brokerState, pass *pass) []*stream {
	if len(ts.waiting) == 0 && !ts.anyPinned() {
		return nil
	}
	found := ts.scratch[:0]
	for _, st := range ts.all {
		if st.leader == b && st.idle(pass) {
			found = append(found, st)
		}
	}
	ts.scratch = found
	slices.SortFunc(found, func(a, b *stream) int { return cmp.Compare(a.used, b.used) })
	return found
}

// next is what a stream takes next: its pinned batch, or one that waits.
type next struct {
	kind buffer.Kind
	from int32 // the partition that it waits for; -1: any
	seal bool  // it may be open
	size int
}

// put adds a batch for st to s, if one is there. It returns false when s has no more room.
func (se *sender) put(s *shipment, ts *topicState, st *stream) (room bool) {
	n, is := se.nextOf(s, ts, st)
	switch {
	case !is || s.has(ts, st):
		return true
	case len(s.items) > 0 && !se.fits(s, n.size):
		return false
	case !se.numberer.numberable(ts, st):
		se.troubles.nameless = se.pass.now
		se.pass.by(se.pass.now + retryMin)
		return true
	}
	if b := se.take(s, ts, st, n); b != nil {
		se.join(s, ts, st, b)
	}
	return true
}

// nextOf returns what st takes next, and whether there is anything.
func (se *sender) nextOf(s *shipment, ts *topicState, st *stream) (n next, is bool) {
	if st.pinned != nil {
		return next{size: st.pinned.Size()}, true
	}
	open := s.takesOpen()
	lingered := open && ts.goesAlong(s.broker, se.pass)
	w := se.choose(ts, st, lingered, open)
	if w == nil {
		return next{}, false
	}
	seal := open && (lingered && w.Open || se.ripe(ts, w))
	return next{kind: w.Kind, from: w.Partition, seal: seal, size: w.Bytes}, true
}

// fits reports whether s has room for so many bytes more, and the lane may have them in flight.
func (se *sender) fits(s *shipment, size int) bool {
	return s.bytes+s.framing+size <= s.most &&
		se.inFlight+int64(s.bytes+size) <= se.pass.BufferBytes/4
}

// take returns the batch that n describes, nil if it cannot be sent as it is.
func (se *sender) take(s *shipment, ts *topicState, st *stream, n next) *buffer.Batch {
	if st.pinned != nil {
		return st.pinned
	}
	b := ts.t.Take(n.kind, n.from, n.seal)
	switch {
	case b == nil:
		return nil
	case b.BuiltForOther(ts.count): // another dispatcher has just given it back
		ts.stale, ts.dealing = append(ts.stale, b), true
		ts.survey()
	case b.IsStretched() && se.packs(ts):
		ts.t.Requeue(b)
		ts.survey()
	case !se.splitter.halveBefore(s.broker, ts, st, b):
		return b
	}
	se.pass.by(se.pass.now)
	return nil
}

// packs reports whether batches of ts are compressed before it is known where they go.
func (c *core) packs(ts *topicState) bool {
	return !ts.cfg.Codec.None() && !c.anyRefuses(ts.cfg.Codec)
}

// unpacked reports whether w waits for the compressor.
func (c *core) unpacked(ts *topicState, w *buffer.Waiting) bool {
	return w.Stretched && c.packs(ts)
}

// join gives b its numbers and adds it to s.
func (se *sender) join(s *shipment, ts *topicState, st *stream, b *buffer.Batch) {
	fresh := st.pinned == nil
	if !se.numberer.number(ts, st, b) { // the producer ID has just been lost
		if fresh {
			ts.t.Requeue(b)
		}
		se.pass.by(se.pass.now + retryMin)
		return
	}
	if fresh && b.Kind() == buffer.Unkeyed {
		ts.batches++
		se.designate(ts)
	}
	st.pinned = nil
	s.add(ts, st, b)
	ts.survey()
}

// choose returns what st takes next: the oldest of the batches that belong to it or may go
// anywhere.
func (se *sender) choose(ts *topicState, st *stream, lingered, open bool) *buffer.Waiting {
	var best *buffer.Waiting
	for i := range ts.waiting {
		w := &ts.waiting[i]
		if !ts.suits(w, st, se.pass) || w.Busy && w.Kind != buffer.Unkeyed || se.unpacked(ts, w) ||
			!w.Sealed && !(open && (lingered || se.ripe(ts, w))) {
			continue
		}
		if best == nil || w.Oldest < best.Oldest {
			best = w
		}
	}
	return best
}

// crossAfter is how long a ready batch waits for a leader in its own zone. After that its zone
// is full or slow, and it goes anywhere.
const crossAfter = time.Second

// opensTo reports whether st may have an un-keyed batch that has been ready since a time.
func (ts *topicState) opensTo(st *stream, since, now time.Duration) bool {
	switch {
	case st.avoidUntil > now && ts.anyApace:
		return false
	case ts.turn != partitioner.Any:
		return st.id == ts.turn
	case st.leader.rank > ts.reach && now < max(since, ts.narrowed)+widenAfter:
		return false
	}
	return ts.rack == "" || st.leader.rack == ts.rack || now >= since+crossAfter
}

// designate asks the partitioner for the partition of the next un-keyed batch. Partitions that
// have just failed, and those with an unanswered batch, are left out: batches that can go
// elsewhere would wait for them.
func (se *sender) designate(ts *topicState) {
	ts.turn = partitioner.Any
	if se.pass.Partitioner == nil {
		return
	}
	ts.well = ts.well[:0]
	for _, st := range ts.parts {
		avoided := st.avoidUntil > se.pass.now && ts.anyApace
		if st.id < ts.count && st.triable(se.pass.now) && !avoided {
			ts.well = append(ts.well, st.id)
		}
	}
	if len(ts.well) > 0 {
		ts.turn = se.pass.Partitioner.ForBatch(ts.t.Name(), ts.batches, ts.well, ts.count)
	}
}
