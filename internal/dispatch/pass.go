package dispatch

import (
	"time"
)

// pass is one look of a dispatcher at everything that waits: when it is, by which settings, and
// when the next one is due.
type pass struct {
	*Settings
	number uint64
	now    time.Duration // monotonic; all of a pass happens at one instant
	at     time.Duration // of the next pass
	linger time.Duration // in the range that the settings give
}

// by asks for a pass at a time. A time that has come already was looked at in this pass, so it is
// not looked at again before a millisecond is over.
func (x *pass) by(at time.Duration) { x.at = min(x.at, max(at, x.now+time.Millisecond)) }
