package dispatch

import (
	"time"

	"github.com/forebay-go/forebay/internal/cluster"
)

const (
	// A broker acknowledges late if no answer comes sooner than this, beyond the round trip to it.
	lateFrom = 100 * time.Millisecond
	// The rate at which it acknowledges is measured over so many times its shortest answer. So many
	// pass before that, until the rate has followed the width.
	rateSpan   = 8
	rateSettle = 2
	// Twice the width must bring so much of the rate. With the same broker others have requests in
	// flight too, and more of ours only take from these. It is not kept then, unless ours are at
	// most a third of all.
	widerTimes = 1.75
	// A width that was not worth it is tried again after a pause, longer each time.
	widerPause    = 30 * time.Second
	widerPauseMax = 10 * time.Minute
)

// width is how many connections full batches without keys take to a broker, and how many of them
// to each partition. It is 1, but for a broker that acknowledges late, as one that writes to object
// storage does. A broker that has too much to do is late as well. So the width doubles only while
// more waits than it takes, and twice the width is kept only if about twice as much is
// acknowledged.
type width struct {
	is      int
	late    bool          // the last answer was
	trial   bool          // against half of it
	kept    float64       // bytes a second, when it was last found right
	pause   time.Duration // the last one
	restsTo time.Duration // until when no other is tried

	from     time.Duration // when measuring began; 0: with the next answer
	settling time.Duration // until when it does not begin
	bytes    int           // acknowledged since
	shortest time.Duration // of the answers since
}

// acked notes an answer that acknowledges so many bytes and took so long beyond the round trip.
// pressed says that more waited than was taken, when that was looked at last.
func (w *width) acked(bytes int, took, now time.Duration, pressed bool) {
	w.late = took >= lateFrom
	switch {
	case !pressed: // the width is enough, and the rate says nothing; a trial goes on later
		w.from = 0
		return
	case now < w.settling:
		return
	case w.from == 0:
		w.from, w.bytes, w.shortest = now, 0, took
		return
	}
	w.bytes += bytes
	w.shortest = min(w.shortest, took)
	if span := now - w.from; span >= rateSpan*max(w.shortest, lateFrom) {
		w.judge(float64(w.bytes)/span.Seconds(), now)
		w.from = 0
	}
}

// judge draws the conclusion from the rate while more waited than was taken.
func (w *width) judge(rate float64, now time.Duration) {
	switch {
	case w.shortest < lateFrom || !w.trial && rate < w.kept/2:
		if w.is > 1 { // the broker is not what it was
			w.restsTo = now
		}
		w.narrow(1, rate)
	case w.trial && rate < widerTimes*w.kept:
		w.pause = min(max(2*w.pause, widerPause), widerPauseMax)
		w.restsTo = now + w.pause
		w.narrow(w.is/2, w.kept)
	case w.is < cluster.Widest && now >= w.restsTo:
		w.is, w.trial, w.kept = 2*w.is, true, rate
	case w.trial:
		w.trial, w.kept = false, rate
	}
	w.settling = now + rateSettle*w.shortest
}

// narrow goes back to a width at which the rate was another.
func (w *width) narrow(to int, rate float64) { w.is, w.trial, w.kept = to, false, rate }
