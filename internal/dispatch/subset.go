package dispatch

import (
	"cmp"
	"hash/maphash"
	"math"
	"slices"
	"time"
)

const (
	// In a cluster of more than manyBrokers, un-keyed records keep to fewBrokers unless the
	// settings say otherwise.
	manyBrokers = 16
	fewBrokers  = 8
	// widenAfter is how long a ready batch waits for one of the brokers that its topic keeps to.
	// After that they are all busy, and it goes anywhere.
	widenAfter = 100 * time.Millisecond
	// everywhere is the reach of a topic whose batches go to all brokers.
	everywhere = math.MaxInt
)

// KeepTo returns how many of so many brokers un-keyed records keep to, where the settings say most:
// 0 means few of many, a negative value all. The result may be more than there are.
func KeepTo(most, brokers int) int {
	switch {
	case most > 0:
		return most
	case most == 0 && brokers > manyBrokers:
		return fewBrokers
	}
	return everywhere
}

// Place is where a broker stands in the order in which the un-keyed records of a producer keep to
// brokers.
type Place struct {
	tier int
	hash uint64 // of the producer and the broker
}

// PlaceOf returns the place of a broker: those in the zone of the program come first, and those
// that cannot be used come last.
func PlaceOf(usable, near bool, hash uint64) Place {
	switch {
	case !usable:
		return Place{2, hash}
	case !near:
		return Place{1, hash}
	}
	return Place{0, hash}
}

// Compare is negative if p comes before q.
func (p Place) Compare(q Place) int {
	return cmp.Or(cmp.Compare(p.tier, q.tier), cmp.Compare(p.hash, q.hash))
}

// rank gives each broker its place in the order in which un-keyed records keep to them: those in
// the zone of the program first, and then by rendezvous hashing of the producer and the broker. So
// the producers of a fleet spread evenly over the brokers, all lanes of a producer use the same
// ones, and a broker that comes or goes changes little. Brokers that cannot be used come last.
func (pl *placement) rank() {
	if pl.kept = KeepTo(pl.cluster.most, len(pl.view.Brokers)); pl.kept == everywhere {
		return // nobody looks at it
	}
	seed := pl.engine.seed
	place := func(b *brokerState) Place {
		return PlaceOf(b.usable, b.rack == pl.pass.Rack, maphash.Comparable(seed, b.ID))
	}
	all := make([]*brokerState, 0, len(pl.brokers))
	for _, b := range pl.brokers {
		all = append(all, b)
	}
	slices.SortFunc(all, func(a, b *brokerState) int { return place(a).Compare(place(b)) })
	for i, b := range all {
		b.rank = i
	}
}

// reachFor returns up to which rank the leaders of ts take its un-keyed batches, where kept brokers
// are to be used: that of the last of them, or of the first leader if none of them leads a
// partition that is well. If none is well at all, every leader may be tried.
func (ts *topicState) reachFor(kept int, now time.Duration) int {
	if kept == everywhere {
		return everywhere
	}
	first := everywhere
	for _, st := range ts.parts {
		if st.wellAt(now) {
			first = min(first, st.leader.rank)
		}
	}
	if first == everywhere {
		return everywhere
	}
	return Reach(first, kept)
}

// Reach returns up to which place the leaders of a topic take its un-keyed batches: that of the
// last broker to keep to, or of its first leader if that comes later.
func Reach(first, kept int) int { return max(first, kept-1) }

// wellAt reports whether the partition of st can be written to now, as far as is known.
func (st *stream) wellAt(now time.Duration) bool {
	return st.triable(now) && st.pace == apace && st.avoidUntil <= now
}
