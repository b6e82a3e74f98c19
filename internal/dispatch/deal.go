package dispatch

import (
	"time"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/delivery"
)

// dealer deals keyed batches out anew that were built for another number of partitions.
type dealer struct {
	*core
	owes bool // room is kept for what is to be dealt out
}

// redeal deals keyed batches out anew that were built for another number of partitions, in order
// and before anything newer. It waits while such a batch is in flight or unanswered, because it
// may come back. It also waits while there is no room for more batches, unless something that
// was dealt out can still be sent.
func (de *dealer) redeal(ts *topicState) {
	if len(ts.stale) > 0 {
		ts.t.Postpone(ts.stale...) // where they can be given up to make room
		ts.stale, ts.undealt = nil, true
	}
	if ts.owned && ts.count > 0 && ts.t.UndealtNews() {
		ts.undealt = true
	}
	ts.dealing, ts.cramped = ts.undealt, false
	for _, st := range ts.parts {
		if st.flying != nil && st.flying.batch.BuiltForOther(ts.count) || st.pinned != nil &&
			st.pinned.BuiltForOther(ts.count) {
			ts.dealing = true
			return
		}
	}
	for ts.undealt {
		free := de.engine.budget.Max() - de.engine.budget.Used()
		room := free - ts.t.PeekUndealt()
		stalled := de.pass.now-ts.dealtAt >= dealStalls && -free < de.engine.budget.Max()/64
		if room < leastDealt && ts.dealt() && !stalled {
			ts.dealing, ts.cramped = false, true
			de.pass.by(de.pass.now + retryMin)
			return
		}
		b, left := ts.t.TakeUndealt()
		if b == nil {
			ts.undealt = left
			break // the compressor wakes us when it is done
		}
		ts.dealtAt = de.pass.now
		if err := ts.t.DealOut(b, ts.count, max(room, leastDealt)); err != nil {
			ts.lastErr = err
			de.resolve(ts, b, Verdict{Outcome: delivery.Rejected, Reason: delivery.Invalid,
				Partition: -1})
		}
	}
	ts.dealing = ts.undealt
}

// leastDealt is the room, in bytes, that is taken to deal batches out whether it is there or not,
// if nothing of their topic could be sent otherwise. That is also supposed when nothing could be
// dealt out for as long as dealStalls, for all that was may be for a partition without a leader;
// but not more than a sixty-fourth of the bound is taken so.
const (
	leastDealt = 4 << 10
	dealStalls = 5 * time.Second
)

// dealt reports whether some keyed batch that was dealt out is in flight or waits.
func (ts *topicState) dealt() bool {
	for _, st := range ts.parts {
		if st.flying != nil && st.flying.batch.Kind() == buffer.Keyed || st.pinned != nil &&
			st.pinned.Kind() == buffer.Keyed {
			return true
		}
	}
	return ts.t.HasDealt()
}

// owe keeps room free for batches to be dealt out, while some wait for it. Otherwise every Send
// would take what becomes free.
func (de *dealer) owe(owes bool) {
	if de.owes != owes {
		de.owes = owes
		de.engine.budget.Owe(owes)
	}
}
