package dispatch

import (
	"slices"
	"time"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/internal/gate"
)

// sender picks the next broker (pick.go), fills a request for it (fill.go) and launches that
// (launch.go).
type sender struct {
	*core
	splitter *splitter
	numberer *numberer

	loads []*Load // of sendOne
	turn  int     // where in active the next request begins
	// when a request last took open batches, because one had lingered
	opened time.Duration
}

// sendOne sends one request, to the broker whose partitions have waited longest for what is there
// for them, and reports whether there was any.
func (se *sender) sendOne() bool {
	if !slices.ContainsFunc(se.active, func(ts *topicState) bool { return se.anyReady(ts) }) {
		return false
	}
	se.loads = se.loads[:0]
	for _, b := range se.brokers {
		b.Ready, b.Waited, b.lingered, b.full = 0, 0, false, false
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
		if s := se.load(b); s != nil {
			if b.lingered {
				se.opened = se.pass.now
			}
			b.sizes.sent(s.bytes+s.framing, se.pass.now)
			se.launch(s)
			se.cluster.gate.Sent(se.lane.Priority, b.ID, s.bytes, se.pass.now)
			for _, it := range s.items {
				se.pass.by(it.batch.Born() + se.pass.DeliveryTimeout) // it expires in flight too
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
func (se *sender) press(full bool) {
	for id, b := range se.brokers {
		if b.full || full && b.Ready > 0 {
			se.cluster.gate.Pressing(se.lane.Priority, id, se.pass.now)
			se.pass.by(se.pass.now + pressAgain)
		}
	}
}

// mayUse reports whether no higher lane needs the broker more.
func (se *sender) mayUse(b *brokerState) bool {
	ok, again := se.cluster.gate.May(se.lane.Priority, b.ID, se.pass.now)
	if !ok {
		se.pass.by(again)
	}
	return ok
}

// poll adds ts to the load of each broker that could take something of it: what is ready, or what
// would go with that.
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
		st.leader.lingered = st.leader.lingered || lingered
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
func (se *sender) anyReady(ts *topicState) bool {
	for i := range ts.waiting {
		if w := &ts.waiting[i]; w.Sealed || se.ripe(w) {
			return true
		}
	}
	return ts.anyPinned()
}

// readiness reports whether something of ts is ready that p could take, whether that is an open
// batch that has lingered, and whether there is an open batch for it: one that is ready, or would
// go with what is.
func (se *sender) readiness(ts *topicState, st *stream) (is, lingered,
	open bool) {
	if st.pinned != nil {
		return true, false, false
	}
	for i := range ts.waiting {
		w := &ts.waiting[i]
		if !ts.suits(w, st, se.pass) {
			continue
		}
		mayOpen := w.Open && st.leader.takesOpen()
		switch ripe := mayOpen && se.ripe(w); {
		case w.Sealed && (w.Kind != buffer.Unkeyed || !ripe):
			is = is || !w.Busy
		case mayOpen:
			is, lingered, open = is || ripe, lingered || ripe, true
		}
	}
	return is, lingered, open
}

// suits reports whether p could take what w describes.
func (ts *topicState) suits(w *buffer.Waiting, st *stream, pass *pass) bool {
	switch w.Kind {
	case buffer.Unkeyed:
		return ts.opensTo(st, w.Oldest+pass.Linger, pass.now)
	case buffer.Keyed:
		return w.Partition == st.id && st.number == 0 && !ts.dealing
	default:
		return w.Partition == st.id && st.number == 0
	}
}

// ripe reports whether there is an open batch that has lingered.
func (se *sender) ripe(w *buffer.Waiting) bool {
	return w.Open && se.pass.now >= se.due(w)
}

// due returns when an open batch has lingered. One that may go anywhere had no partition at the
// broker of the last request that took open batches, or it would have gone too: it waits for the
// next such request, a linger later, no longer than that.
func (se *sender) due(w *buffer.Waiting) time.Duration {
	linger := se.pass.Linger
	if w.Kind != buffer.Unkeyed {
		return w.OpenSince + linger
	}
	return w.OpenSince + linger + min(max(0, se.opened-w.OpenSince), linger)
}

// testSizes sends a request without batches to brokers that have hung up on a batch alone: where it
// is answered, it is the size.
func (se *sender) testSizes() {
	for _, b := range se.brokers {
		if b.sizes.untested && b.flying == 0 && b.free(se.pass) {
			se.launch(&shipment{core: se.core, broker: b})
		}
	}
}

// widen has topics get more streams, and reports whether some did.
func (se *sender) widen() (more bool) {
	for _, ts := range se.active {
		more = ts.widen() || more
	}
	return more
}
