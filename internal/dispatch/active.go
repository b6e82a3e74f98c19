package dispatch

import (
	"slices"

	"github.com/forebay-go/forebay/buffer"
)

// settleActive drops topics that need no attention until they get another record, and asks for
// the next pass for the others.
func (se *sender) settleActive() {
	kept := se.active[:0]
	armed := far
	for _, ts := range se.active {
		if ts.quiet() {
			ts.active = false
			continue
		}
		kept = append(kept, ts)
		linger, sealed := ts.linger(se.pass), false
		switch {
		case len(ts.waiting) > 0:
			se.pass.by(ts.waiting[0].Deadline(ts.cfg.DeliveryTimeout))
		case ts.onHold, ts.leaving:
			se.pass.by(ts.t.Deadline(ts.cfg.DeliveryTimeout))
		}
		for i := range ts.waiting {
			w := &ts.waiting[i]
			if due := se.due(ts, w); w.Open && due > se.pass.now {
				se.pass.by(due)
				armed = min(armed, due)
			}
			if cross := w.Oldest + linger + crossAfter; ts.rack != "" &&
				cross > se.pass.now {
				se.pass.by(cross)
			}
			widen := max(w.Oldest+linger, ts.narrowed) + widenAfter
			if ts.reach < everywhere && widen > se.pass.now {
				se.pass.by(widen)
			}
			sealed = sealed || w.Sealed
		}
		if sealed && se.packs(ts) {
			se.engine.compressor.offer(ts.t, ts.cfg.Codec)
		}
	}
	clear(se.active[len(kept):])
	se.active = kept
	se.pack()
	se.outlet.Arm(armed)
}

// pack has batches compressed that are not sent before. Neither another lane nor what only waits
// takes the slots for that, nor one topic all of them each time.
func (se *sender) pack() {
	for i := range se.active {
		at := (se.packTurn + i) % len(se.active)
		ts := se.active[at]
		unpacked := func(w buffer.Waiting) bool { return se.unpacked(ts, &w) }
		if slices.ContainsFunc(ts.waiting, unpacked) &&
			!se.engine.compressor.fill(&se.packing, ts.t.ClaimStretched, ts.cfg.Codec) {
			se.packTurn = at + 1
			se.pass.by(se.pass.now + retryMin) // what is done may wake another dispatcher
			return
		}
	}
}
