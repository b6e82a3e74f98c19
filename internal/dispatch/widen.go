package dispatch

import (
	"slices"

	"github.com/forebay-go/forebay/buffer"
)

// overflows reports whether full batches wait that may go anywhere.
func (ts *topicState) overflows() bool {
	return slices.ContainsFunc(ts.waiting,
		func(w buffer.Waiting) bool { return w.Kind == buffer.Unkeyed && w.Sealed })
}

// press notes the brokers that take no more of what overflows: their slots or all of their streams
// are in use, or as much is in flight as may be.
func (ts *topicState) press(full bool, pass uint64) {
	for _, st := range ts.all {
		if b := st.leader; b != nil && st.pace == apace &&
			(full || b.flying >= b.slots() || st.flying != nil) {
			b.pressed = pass
		}
	}
}

// widen adds a stream to each partition of a topic that overflows, if no stream is free, and all
// brokers are far away or acknowledge late. Partitions that are slow do not count. It reports
// whether there are more streams now.
func (ts *topicState) widen() (more bool) {
	for _, st := range ts.all {
		switch {
		case st.leader == nil:
			return false
		case st.spare() || st.pace != apace:
		case st.flying == nil || !st.leader.late() || st.leader.fails > 0:
			return false
		}
	}
	streams := make(map[int32]int)
	for _, st := range ts.all {
		if st.pace == apace {
			streams[st.id]++
		}
	}
	for id, n := range streams {
		if leader := ts.parts[id].leader; n < leader.streams() {
			ts.add(id, n, leader)
			more = true
		}
	}
	return more
}
