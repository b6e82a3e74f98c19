package dispatch

import (
	"math"
	"time"
)

// far is Never in sums and comparisons, where it has to be later than everything else.
const far time.Duration = math.MaxInt64

// Thresholds say how soon a lane goes from one cluster to another. None of them may be negative,
// except Never.
type Thresholds struct {
	// FallbackAfter is how long the primary must have been down, neither ready nor acknowledging
	// anything.
	FallbackAfter time.Duration
	// ReturnAfter is how long an earlier cluster must have been ready without a break.
	ReturnAfter time.Duration
	// SwitchEvery is how far apart switches are at least, except away from a fallback that is not
	// ready.
	SwitchEvery time.Duration
}

// Health is what is known of one cluster. All times are of the same monotonic clock.
type Health struct {
	Ready bool          // something of the cluster answers
	Since time.Duration // when Ready last changed, or the cluster was first looked at
	Acked time.Duration // when the cluster last acknowledged something of the lane, 0: it has not
}

// Change says why Failover.Next went to another cluster.
type Change uint8

// The reasons for which a lane changes its cluster.
const (
	Stayed   Change = iota // it did not
	FellBack               // the primary was down for FallbackAfter, and another is ready
	Returned               // an earlier cluster has been well for ReturnAfter
	MovedOn                // the fallback in use is not ready, and another is
	Replaced               // the one in use is no longer in the list
)

// String returns the change in a word or two, as logs have it.
func (c Change) String() string {
	switch c {
	case Stayed:
		return "stayed"
	case FellBack:
		return "fell back"
	case Returned:
		return "returned"
	case MovedOn:
		return "moved on"
	case Replaced:
		return "replaced"
	}
	return "unknown"
}

// Failover decides which cluster of an ordered list a lane uses: the first one, its primary, or a
// fallback. It is the state machine of Pulsar's AutoClusterFailover with a limit to how often it
// switches:
//
//   - A cluster is down when it has not been ready for FallbackAfter and has acknowledged nothing
//     in that time; one error is not enough. A lane leaves a primary that is down for the first
//     cluster that is ready. If none is ready, it stays.
//   - It returns to an earlier cluster, the earliest if there are several, that has been ready for
//     ReturnAfter.
//   - Between a switch and any of these two there is SwitchEvery. Nothing delays the first one.
//   - A fallback that is not ready is left at once, whenever the last switch was. If it has
//     acknowledged something since it became so, it is left when it is down.
//
// Fallbacks that are ready by turns, while the primary is not, are therefore followed at once, each
// time.
//
// A Failover has no clock: it is told the time, and it says when it wants to be asked again. It is
// not safe for concurrent use.
type Failover struct {
	th       Thresholds
	clusters int
	use      int           // the cluster in use, -1: it is none of them
	start    time.Duration // nothing is down sooner than FallbackAfter after it
	last     time.Duration // when it last switched, -1: not yet
}

// NewFailover returns a Failover that begins with the first of so many clusters, at the time now.
func NewFailover(th Thresholds, clusters int, now time.Duration) *Failover {
	return &Failover{th: th, clusters: clusters, start: now, last: -1}
}

// Set changes the thresholds and the list, as from the next call of Next. Current is where in the
// new list the cluster is that was in use; -1 if it is not in it any more: then Next takes the
// first that is ready, or else the primary, and the limit neither delays that nor counts it.
func (f *Failover) Set(th Thresholds, clusters, current int) {
	if current >= clusters {
		current = -1
	}
	f.th, f.clusters, f.use = th, clusters, current
}

// Next returns the cluster to use from now on, and whether and why that is another one than before.
// Health has an entry for each cluster, in order; what has none is not ready.
//
// Next is to be called when Ready of any cluster has changed, and at the time due, which is later
// than now, Never if only a change matters. An acknowledgement need not be told. More calls than
// that decide nothing else.
func (f *Failover) Next(now time.Duration, health []Health) (use int, due time.Duration,
	change Change) {
	health = health[:min(len(health), f.clusters)]
	use, change = f.decide(now, health)
	if change != Stayed && change != Replaced {
		f.last = now
	}
	f.use = use
	if due = f.due(health); due == far {
		due = Never
	}
	return use, due, change
}

func (f *Failover) decide(now time.Duration, health []Health) (int, Change) {
	ready := firstReady(health)
	switch {
	case f.use < 0:
		return max(ready, 0), Replaced
	case ready >= 0 && now >= f.leaveAt(health):
		if f.use == 0 {
			return ready, FellBack
		}
		return ready, MovedOn
	}
	for i := range health[:min(f.use, len(health))] {
		if now >= f.returnAt(health[i]) {
			return i, Returned
		}
	}
	return f.use, Stayed
}

// due returns when decide will come to something else if health remains what it is.
func (f *Failover) due(health []Health) time.Duration {
	at := far
	if firstReady(health) >= 0 {
		at = f.leaveAt(health)
	}
	for _, h := range health[:min(f.use, len(health))] {
		at = min(at, f.returnAt(h))
	}
	return at
}

// leaveAt returns from when on any cluster that is ready is better than the one in use.
func (f *Failover) leaveAt(health []Health) time.Duration {
	var h Health
	if f.use < len(health) {
		h = health[f.use]
	}
	if h.Ready {
		return far
	}
	down := plus(max(h.Since, h.Acked, f.start), f.th.FallbackAfter)
	switch {
	case f.use == 0:
		return max(down, f.freeAt())
	case h.Acked > h.Since:
		return down
	}
	return 0
}

// returnAt returns from when on a cluster before the one in use is better.
func (f *Failover) returnAt(h Health) time.Duration {
	if !h.Ready {
		return far
	}
	return max(plus(h.Since, f.th.ReturnAfter), f.freeAt())
}

// freeAt returns from when on the limit allows a switch.
func (f *Failover) freeAt() time.Duration {
	if f.last < 0 {
		return 0
	}
	return plus(f.last, f.th.SwitchEvery)
}

// firstReady returns the first cluster that is ready, -1 if none is.
func firstReady(health []Health) int {
	for i := range health {
		if health[i].Ready {
			return i
		}
	}
	return -1
}

// plus adds a threshold to a time. The sum saturates.
func plus(at, threshold time.Duration) time.Duration {
	if threshold == Never || threshold > far-at {
		return far
	}
	return at + threshold
}
