package dispatch

import (
	"slices"

	"github.com/forebay-go/forebay/buffer"
)

// widen adds a stream to each partition, if full batches wait that may go anywhere, no stream is
// free for them, and all brokers are far away. It reports whether there are more streams now.
func (ts *topicState) widen() (more bool) {
	if !slices.ContainsFunc(ts.waiting,
		func(w buffer.Waiting) bool { return w.Kind == buffer.Unkeyed && w.Sealed }) {
		return false
	}
	for _, st := range ts.all {
		if st.leader == nil || st.flying == nil || st.pace != apace ||
			st.leader.slots() <= slotsPerBroker {
			return false
		}
	}
	streams := make(map[int32]int)
	for _, st := range ts.all {
		streams[st.id]++
	}
	for id, n := range streams {
		if leader := ts.parts[id].leader; n < leader.slots() {
			ts.add(id, n, leader)
			more = true
		}
	}
	return more
}
