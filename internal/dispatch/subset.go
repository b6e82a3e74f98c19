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

// keepTo returns how many of so many brokers un-keyed records keep to.
func (c *Site) keepTo(brokers int) int {
	switch {
	case c.most > 0:
		return c.most
	case c.most == 0 && brokers > manyBrokers:
		return fewBrokers
	}
	return everywhere
}

// rank gives each broker its place in the order in which un-keyed records keep to them: those in
// the zone of the program first, and then by rendezvous hashing of the producer and the broker. So
// the producers of a fleet spread evenly over the brokers, all lanes of a producer use the same
// ones, and a broker that comes or goes changes little. Brokers that cannot be used come last.
func (pl *placement) rank() {
	if pl.kept = pl.cluster.keepTo(len(pl.view.Brokers)); pl.kept == everywhere {
		return // nobody looks at it
	}
	seed := pl.engine.seed
	order := func(b *brokerState) (place int, hash uint64) {
		switch {
		case !b.usable:
			place = 2
		case b.rack != pl.pass.Rack:
			place = 1
		}
		return place, maphash.Comparable(seed, b.ID)
	}
	all := make([]*brokerState, 0, len(pl.brokers))
	for _, b := range pl.brokers {
		all = append(all, b)
	}
	slices.SortFunc(all, func(a, b *brokerState) int {
		placeA, hashA := order(a)
		placeB, hashB := order(b)
		return cmp.Or(cmp.Compare(placeA, placeB), cmp.Compare(hashA, hashB))
	})
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
	return max(first, kept-1)
}

// wellAt reports whether the partition of st can be written to now, as far as is known.
func (st *stream) wellAt(now time.Duration) bool {
	return st.triable(now) && st.pace == apace && st.avoidUntil <= now
}
