package simulate

import (
	"math/rand/v2"
	"slices"

	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
	"github.com/forebay-go/forebay/internal/dispatch"
)

const (
	// Of topics that are alike, no more than these are placed by themselves. If the file has more
	// entries than manyEntries, these share what so many have.
	placedTopics = 200
	// And with keys, no more than have about so many partitions' brokers.
	placedLeaders = 1000
	manyEntries   = 5
)

// layout is where the leaders of topics are, and which brokers each instance uses. Leaders are
// placed as Kafka does when it creates a topic: on consecutive brokers, from a random one on.
type layout struct {
	fleet *fleet.Fleet
	first [][]int // by entry of the file and placed topic: the broker of the first partition
	kept  int     // how many brokers un-keyed records keep to
}

func newLayout(f *fleet.Fleet) *layout {
	y := &layout{fleet: f, kept: dispatch.KeepTo(f.Settings.MaxBrokers, f.Brokers)}
	random := rand.New(rand.NewPCG(1, 1))
	for i := range f.Topics {
		t := &f.Topics[i]
		first := make([]int, min(t.Count, y.most(t)))
		for j := range first {
			first[j] = random.IntN(f.Brokers)
		}
		y.first = append(y.first, first)
	}
	return y
}

// most returns how many topics of an entry are placed by themselves.
func (y *layout) most(t *fleet.Topic) int {
	share := min(1, manyEntries/float64(len(y.fleet.Topics)))
	if t.Keyed {
		leaders := min(t.Partitions, y.fleet.Brokers)
		return max(1, int(share*placedLeaders)/leaders)
	}
	return max(1, int(share*placedTopics))
}

// leaders returns the brokers that lead partitions of a placed topic.
func (y *layout) leaders(entry, topic int) []int {
	all := make([]int, min(y.fleet.Topics[entry].Partitions, y.fleet.Brokers))
	for i := range all {
		all[i] = (y.first[entry][topic] + i) % y.fleet.Brokers
	}
	return all
}

// partitions returns how many partitions of a topic each of its leaders has, on average.
func (y *layout) partitions(entry int) float64 {
	t := &y.fleet.Topics[entry]
	return float64(t.Partitions) / float64(min(t.Partitions, y.fleet.Brokers))
}

// zone returns the zone of a broker or of an instance.
func (y *layout) zone(number int) int { return number % y.fleet.Zones }

// order returns the place of each broker in the order in which an instance keeps to them.
func (y *layout) order(instance int) (place []int) {
	places := make([]dispatch.Place, y.fleet.Brokers)
	brokers := make([]int, y.fleet.Brokers)
	for b := range places {
		near := y.zone(b) == y.zone(instance)
		places[b], brokers[b] = dispatch.PlaceOf(true, near, hash(instance, b)), b
	}
	slices.SortFunc(brokers, func(a, b int) int { return places[a].Compare(places[b]) })
	place = make([]int, len(brokers))
	for i, b := range brokers {
		place[b] = i
	}
	return place
}

// hash mixes an instance and a broker, by the finalizer of splitmix64.
func hash(instance, broker int) uint64 {
	x := uint64(instance)<<32 + uint64(broker) + 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// used returns which of the leaders of an un-keyed topic an instance uses, given its order.
func (y *layout) used(instance int, place, leaders []int) (used []int) {
	near := func(b int) bool { return y.zone(b) == y.zone(instance) }
	local := slices.ContainsFunc(leaders, near)
	first := y.fleet.Brokers
	for _, b := range leaders {
		first = min(first, place[b])
	}
	reach := dispatch.Reach(first, y.kept)
	for _, b := range leaders {
		if place[b] <= reach && (near(b) || !local) {
			used = append(used, b)
		}
	}
	return used
}
