package dispatch

import (
	"slices"
	"time"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/internal/cluster"
	"github.com/forebay-go/forebay/internal/gate"
)

// sender picks the next broker (pick.go), fills a request for it (fill.go) and launches that
// (launch.go).
type sender struct {
	*core
	splitter *splitter
	numberer *numberer

	couriers chan *shipment // sent by launch, received by couriers that are idle; never closed

	loads    []*Load // of sendOne
	packing  int     // batches that pack has had compressed and are not done; the compressor's
	packTurn int     // where in active pack begins
}

// sendOne sends one request, to the broker whose partitions have waited longest. It reports
// whether there was one to send.
func (se *sender) sendOne() bool {
	if !slices.ContainsFunc(se.active, se.anyReady) {
		return false
	}
	se.loads = se.loads[:0]
	for _, b := range se.brokers {
		b.Ready, b.Waited, b.full = 0, 0, false
		b.lingered = [...]time.Duration{-1, -1}
		b.alone = se.cluster.gate.Alone(se.lane.Priority, b.ID, se.pass.now)
		se.loads = append(se.loads, &b.Load)
	}
	for _, ts := range se.active {
		se.poll(ts)
	}
	full := se.inFlight >= se.pass.BufferBytes/4
	se.press(full)
	for !full {
		l := Pick(se.loads)
		if l == nil {
			return false
		}
		b := se.brokers[l.ID]
		if !se.mayUse(b) {
			l.Ready = 0
			continue
		}
		way, ok := se.way(b)
		if !ok {
			l.Ready = 0
			continue
		}
		if s := se.load(b, way); s != nil {
			se.noteOpened(s)
			b.sizes.sent(s.bytes+s.framing, se.pass.now)
			se.launch(s)
			se.cluster.gate.Sent(se.lane.Priority, b.ID, s.bytes, se.pass.now)
			for _, it := range s.items {
				se.pass.by(it.batch.Deadline(it.ts.cfg.DeliveryTimeout)) // it expires in flight too
			}
			return true
		}
		l.Ready = 0 // what is ready there waits for a producer ID
	}
	return false
}

// noteOpened notes that s takes open batches, if one has lingered, along with those that linger no
// longer.
func (se *sender) noteOpened(s *shipment) {
	if s.broker.lingered[s.acks] < 0 {
		return // as where full batches wait
	}
	for _, ts := range se.active {
		if !s.excludes(ts) && ts.goesAlong(s.broker, se.pass) {
			ts.opened = se.pass.now
		}
	}
}

// goesAlong reports whether open batches of ts go to b now, because others have lingered that
// linger as long. Those that linger longer fill meanwhile.
func (ts *topicState) goesAlong(b *brokerState, pass *pass) bool {
	return b.lingered[ts.acks()] >= ts.linger(pass)
}

// pressAgain is how often a lane repeats that it presses. Each report holds for twice that time.
const pressAgain = gate.PressFor / 2

// press tells the gate which brokers have more ready batches than they take, so that lower lanes
// hold back there. If the lane has as much in flight as it may, these are all brokers with ready
// batches.
func (se *sender) press(full bool) {
	for id, b := range se.brokers {
		if b.full || full && b.Ready > 0 {
			se.cluster.gate.Pressing(se.lane.Priority, id, se.pass.now)
			se.pass.by(se.pass.now + pressAgain)
		}
	}
}

// mayUse reports whether the gate lets this lane send to b.
func (se *sender) mayUse(b *brokerState) bool {
	ok, again := se.cluster.gate.May(se.lane.Priority, b.ID, se.pass.now)
	if !ok {
		se.pass.by(again)
	}
	return ok
}

// poll adds ts to the load of each broker that could take a batch of it: a ready one, or one
// that would go with it.
func (se *sender) poll(ts *topicState) {
	for _, st := range ts.all {
		if !st.idle(se.pass) {
			continue
		}
		is, lingered, open := se.readiness(ts, st)
		if !is && !open {
			continue
		}
		if !st.leader.takes(st, se.pass) {
			st.leader.full = st.leader.full || is && st.leader.usable &&
				st.leader.flying >= st.leader.slots()
			continue
		}
		if lingered {
			longest := &st.leader.lingered[ts.acks()]
			*longest = max(*longest, ts.linger(se.pass))
		}
		if is {
			st.leader.Ready++
		}
		st.leader.served(ts, se.tick-st.used)
	}
	for _, b := range ts.counted {
		b.Waited += b.longest
	}
	ts.counted = ts.counted[:0]
}

// served notes that b could serve a partition of ts that was last used so many batches ago. For
// each topic the longest time counts.
func (b *brokerState) served(ts *topicState, ago uint64) {
	if !slices.Contains(ts.counted, b) {
		ts.counted = append(ts.counted, b)
		b.longest = 0
	}
	b.longest = max(b.longest, ago+1)
}

// anyReady reports whether a batch of ts is ready, for any partition.
func (se *sender) anyReady(ts *topicState) bool {
	for i := range ts.waiting {
		if w := &ts.waiting[i]; w.Sealed || se.ripe(ts, w) {
			return true
		}
	}
	return ts.anyPinned()
}

// readiness reports whether st could take a ready batch of ts, whether that is an open batch
// that has lingered, and whether there is an open batch that would go along.
func (se *sender) readiness(ts *topicState, st *stream) (is, lingered, open bool) {
	if st.pinned != nil {
		return true, false, false
	}
	for i := range ts.waiting {
		w := &ts.waiting[i]
		if !ts.suits(w, st, se.pass) {
			continue
		}
		mayOpen := w.Open && st.leader.takesOpen()
		switch ripe := mayOpen && se.ripe(ts, w); {
		case w.Sealed && (w.Kind != buffer.Unkeyed || !ripe):
			is = is || !w.Busy && !se.unpacked(ts, w)
		case mayOpen:
			is, lingered, open = is || ripe, lingered || ripe, true
		}
	}
	return is, lingered, open
}

// suits reports whether st could take the batches that w describes.
func (ts *topicState) suits(w *buffer.Waiting, st *stream, pass *pass) bool {
	switch w.Kind {
	case buffer.Unkeyed:
		return ts.opensTo(st, w.Oldest+ts.linger(pass), pass.now)
	case buffer.Keyed:
		return w.Partition == st.id && st.number == 0 && !ts.dealing
	default:
		return w.Partition == st.id && st.number == 0
	}
}

// ripe reports whether w has an open batch that has lingered.
func (se *sender) ripe(ts *topicState, w *buffer.Waiting) bool {
	return w.Open && se.pass.now >= se.due(ts, w)
}

// due returns when an open batch has lingered. An un-keyed batch whose topic had no partition at
// the broker of the last request waits for the next request, at most one linger longer. A batch
// with a TTL waits no longer than it takes records.
func (se *sender) due(ts *topicState, w *buffer.Waiting) time.Duration {
	linger := ts.linger(se.pass)
	due := w.OpenSince + linger
	if w.Kind == buffer.Unkeyed {
		due += min(max(0, ts.opened-w.OpenSince), linger)
	}
	if w.OpenUntil > 0 {
		due = min(due, w.OpenUntil)
	}
	return due
}

// testSizes sends a request without batches to brokers that have hung up on a single batch. If
// such a request is answered, the size of the batch was the reason.
func (se *sender) testSizes() {
	for _, b := range se.brokers {
		if b.sizes.untested && b.flying == 0 && b.free(se.pass) {
			se.launch(&shipment{core: se.core, broker: b, way: cluster.Own})
		}
	}
}

// widen adds streams to topics that need them, and reports whether it added any.
func (se *sender) widen() (more bool) {
	full := se.inFlight+int64(se.pass.BatchBytes) > se.pass.BufferBytes/4
	for _, ts := range se.active {
		if ts.overflows() {
			ts.press(full, se.pass.number)
			more = ts.widen() || more
		}
	}
	return more
}
