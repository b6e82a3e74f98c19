package dispatch

import (
	"math"
	"time"
)

// settleActive drops topics that need no attention until they get another record, and asks for
// the next pass for the others.
func (se *sender) settleActive() {
	kept := se.active[:0]
	armed := never
	for _, ts := range se.active {
		if ts.quiet() {
			ts.active = false
			continue
		}
		kept = append(kept, ts)
		linger, sealed := ts.linger(se.pass), false
		for i := range ts.waiting {
			w := &ts.waiting[i]
			if !w.Busy { // else the compressor wakes us
				se.pass.by(w.Oldest + ts.cfg.DeliveryTimeout)
			}
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
		if codec := ts.cfg.Codec; sealed && !se.anyRefuses(codec) {
			se.engine.compressor.offer(ts.t, codec)
		}
	}
	clear(se.active[len(kept):])
	se.active = kept
	se.outlet.Arm(armed)
}

// never is a monotonic time that does not come.
const never time.Duration = math.MaxInt64
