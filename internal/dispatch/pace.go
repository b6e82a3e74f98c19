package dispatch

import (
	"slices"
	"time"

	"github.com/forebay-go/forebay/internal/cluster"
)

// pace learns from the time of an answer which partitions would delay others. If one failed, it
// is that one. If none did, it may be any of them, and they travel in smaller groups until it is
// found.
func (s *shipment) pace(now time.Duration) {
	if s.err != nil || len(s.items) == 0 {
		return
	}
	someFailed := slices.ContainsFunc(s.items, (*item).failed)
	late := s.broker.learn(s, someFailed)
	for _, it := range s.items {
		switch st := it.stream; {
		case (!late || someFailed && !it.failed()) && st.pace == apace: // as ever
		case !late || someFailed && !it.failed():
			it.ts.setPace(st.id, apace, 0)
		case someFailed || len(s.items) == 1 || st.pace == slow:
			it.ts.setPace(st.id, slow, now+avoid)
		default:
			it.ts.setPace(st.id, len(s.items)/2, st.avoidUntil)
		}
	}
}

// failed reports whether the broker answered with an error.
func (it *item) failed() bool {
	return it.attempt.Fate != cluster.Answered || cluster.ActionOf(it.attempt.Code) != cluster.Done
}

// learn notes how long the answer to s took, and reports whether that was so long that it
// delayed other partitions. A broker serves the requests of a connection one after the other, so
// the time of earlier requests does not count. Requests for slow partitions count like all
// others.
func (b *brokerState) learn(s *shipment, failed bool) (slow bool) {
	last := &b.landed[s.way]
	served := s.landed - max(s.launched, *last)
	*last = s.landed
	if failed {
		return served > min(max(slowTimes*b.serving.median, slowLeast), slowFailure)
	}
	// one that serves the requests of a connection at once, each after a while, seems to serve most
	// of them in no time
	slow = served > max(slowTimes*b.serving.median, slowLeast, 2*b.taking.least)
	b.serving.add(served)
	b.taking.add(s.took())
	return slow
}

// recent are the last times of something.
type recent struct {
	times  [15]time.Duration // in no order, 0: not yet
	next   int               // which is replaced next
	median time.Duration
	least  time.Duration
}

func (r *recent) add(d time.Duration) {
	r.times[r.next] = max(d, 1) // 0 is not yet
	r.next = (r.next + 1) % len(r.times)
	sorted := r.times
	slices.Sort(sorted[:])
	known, _ := slices.BinarySearch(sorted[:], 1) // where those that are known begin
	r.median, r.least = sorted[(known+len(sorted))/2], sorted[known]
}

// The paces of a partition that are not a number of companions. A broker answers a request when the
// slowest of its partitions is done: those that are known to be slow travel with one another, on a
// connection of their own.
const (
	apace = 0
	slow  = -1
)

// avoid is how long un-keyed batches avoid a slow partition.
const avoid = 10 * time.Second

// setPace sets the pace of all streams to a partition.
func (ts *topicState) setPace(id int32, pace int, avoidUntil time.Duration) {
	for _, st := range ts.all {
		if st.id == id {
			st.pace, st.avoidUntil = pace, avoidUntil
		}
	}
}
