package fleet

import (
	"math"

	"github.com/forebay-go/forebay/internal/cluster"
)

// Connections are those of one instance and of one broker.
type Connections struct {
	Instance float64 `json:"per_instance"`
	Broker   float64 `json:"per_broker"`
	Limit    float64 `json:"limit_per_broker"`
	Share    float64 `json:"share_of_limit"`
}

// connections returns how many connections are open: one from each instance to each broker that it
// uses, and one for metadata, whose broker changes.
func (f *Fleet) connections(lanes []lane) Connections {
	c := Connections{Instance: 1 + f.reached(lanes), Limit: float64(f.Limits.Connections)}
	if !f.Settings.ShareConnections {
		c.Instance = 1
		for i := range lanes {
			c.Instance += f.reached(lanes[i : i+1])
		}
	}
	c.Broker = c.Instance * float64(f.Instances) / float64(f.Brokers)
	c.Share = c.Broker / c.Limit
	return c
}

// reached returns how many brokers an instance sends to, all these priorities together. Records
// without a key go to the same brokers whatever their priority is.
func (f *Fleet) reached(lanes []lane) float64 {
	brokers := float64(f.Brokers)
	missed, topics := 1.0, make(map[float64]float64)
	for i := range lanes {
		missed *= 1 - lanes[i].keyedReach()/brokers
		for _, fl := range lanes[i].flows {
			if !fl.topic.Keyed {
				topics[fl.reach] += fl.topics
			}
		}
	}
	return brokers * (1 - missed*(1-f.unkeyedReach(topics)/brokers))
}

// unkeyedReach returns how many brokers an instance uses for so many topics without keys, by the
// number of brokers that lead partitions of the topic, where leaders are placed at random. An
// instance has an order of all brokers, and keeps to the first ones. A topic that none of those
// leads goes to its first leader in that order.
func (f *Fleet) unkeyedReach(topics map[float64]float64) float64 {
	brokers, kept := float64(f.Brokers), f.subset()
	if len(topics) == 0 {
		return 0
	}
	sum := kept
	without := make(map[float64]float64) // the chance that no broker so far leads a partition
	for reach := range topics {
		without[reach] = 1
	}
	for place := 0.0; place < brokers; place++ {
		missed, left := 1.0, 0.0
		for reach, count := range topics {
			first := without[reach] * min(1, reach/(brokers-place))
			without[reach] -= first
			missed *= math.Pow(1-first, count)
			left += without[reach] * count
		}
		if place >= kept {
			sum += 1 - missed
		}
		if left < 1e-6 {
			break
		}
	}
	return sum
}

// Storm is what happens while a cluster is away and when it comes back.
type Storm struct {
	// Attempts is how many connections producers try to open to each broker, per second, while no
	// broker answers.
	Attempts float64 `json:"attempts_per_broker_per_second"`
	// ShortAttempts is the same in the first 90 seconds.
	ShortAttempts float64 `json:"attempts_in_the_first_90_seconds"`
	Limit         float64 `json:"limit_per_broker_per_second"`
	// Open is how many connections each broker has to accept when it is back.
	Open float64 `json:"to_accept_per_broker"`
	// Seconds is how long that takes: the longest time between probes, or more if the limit does
	// not let them in faster.
	Seconds float64 `json:"seconds_until_all_are_connected"`
}

// storm returns how producers come back. The probe that is answered leaves a connection, and the
// records then need those of connections.
func (f *Fleet) storm(c Connections) Storm {
	instances := float64(f.Instances)
	often, rarely := f.probes()
	s := Storm{Limit: f.Limits.NewConnections, Attempts: instances * rarely,
		ShortAttempts: instances * often,
		Open:          instances + (c.Instance-1)*instances/float64(f.Brokers)}
	longest := f.Settings.ProbeMax.Seconds()
	if f.Outage <= cluster.ShortOutage {
		longest = 1 / often
	}
	s.Seconds = max(longest, s.Open/s.Limit)
	return s
}

// probes returns how often a producer probes each broker, per second, in the first 90 seconds and
// later. It probes them in turn. In a longer outage, the time between two probes of a broker is
// random between half of probe_max and all of it, so three quarters of it on average.
func (f *Fleet) probes() (often, rarely float64) {
	brokers, longest := float64(f.Brokers), f.Settings.ProbeMax.Seconds()
	often = max(min(brokers, cluster.Together)/brokers*cluster.ShortTimes, 1) / longest
	rarely = 4 / (3 * longest)
	most := 1 / cluster.LeastGap.Seconds() / brokers
	return min(often, most), min(rarely, most)
}
