package cluster

import (
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v4"
)

const (
	probeSoon = 100 * time.Millisecond // between probes of a short outage, by default
	// an outage up to this is short: a restart of a pod, a broker or a machine
	shortRange = 90 * time.Second
	// ProbeMax is the default of Config.ProbeMax.
	ProbeMax = 2 * time.Second
	// in a short outage, probes are so many times as frequent as the longest time between two
	soonTimes = 20
	// In a short outage so many brokers are probed as often as one would be, or more if each would
	// else be probed less than once in the longest time.
	together = 3
	// When the cluster is back, so many of the others are probed at once.
	hurryAtOnce = 20
	// gapMin bounds the probes of a cluster with thousands of brokers, or that claims to have them.
	gapMin = 5 * time.Millisecond
)

// walk paces the probes of brokers and seeds that do not answer. They are probed one after the
// other, around and around, so that a producer that knows many brokers makes few attempts. Any of
// them that answers shows that the cluster is back.
//
// Its pace does not depend on how long a probe takes: one that hangs delays none of the others.
type walk struct {
	most time.Duration
	// nil in a short outage, where probes are frequent: most outages are restarts
	long *backoff.ExponentialBackOff

	next time.Time // when the next of them may be probed
	free int       // how many may be probed before that
	idle bool      // there was none to probe
}

// newWalks returns the walk of short outages and that of longer ones.
func newWalks(most time.Duration) (often, rarely *walk) {
	// it draws from a third less than the interval to a third more: from half of most to most
	return &walk{most: most}, &walk{most: most, long: backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(most*3/8),
		backoff.WithMaxInterval(most*3/4),
		backoff.WithRandomizationFactor(1.0/3),
		backoff.WithMaxElapsedTime(0),
	)}
}

// gap returns the time between two probes, where n targets are probed in turn.
func (w *walk) gap(n int) time.Duration {
	if w.long != nil {
		return max(min(w.long.NextBackOff(), w.most)/time.Duration(n), gapMin)
	}
	atOnce := min(float64(n), max(together, float64(n)/soonTimes))
	soon := float64(w.most) / soonTimes * (0.8 + 0.4*rand.Float64())
	return max(time.Duration(soon/atOnce), gapMin)
}

// ready reports whether one of n targets may be probed now. The first that joins an idle walk has
// just failed, and rests.
func (w *walk) ready(now time.Time, n int) bool {
	if w.idle && w.next.Before(now) {
		w.next = now.Add(w.gap(n))
	}
	w.idle = false
	switch {
	case w.free > 0:
		w.free--
		return true
	case w.next.After(now):
		return false
	}
	w.next = now.Add(w.gap(n))
	return true
}

// due returns when the next target may be probed.
func (w *walk) due(now time.Time) time.Time {
	if w.free > 0 {
		return now
	}
	return w.next
}

// rest notes that there is none to probe.
func (w *walk) rest() { w.idle, w.free = true, 0 }

// hurry has n targets probed at once, or as many of them as may be.
func (w *walk) hurry(now time.Time, n int) {
	w.free, w.idle = min(n, hurryAtOnce), false
	w.next = now.Add(w.gap(max(n, 1)))
}
