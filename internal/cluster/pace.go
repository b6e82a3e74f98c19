package cluster

import "time"

// Probes and their connections, for models of many producers.
const (
	// ShortOutage is how long an outage is taken for a restart, and probed often.
	ShortOutage = shortRange
	// ShortTimes is how many times as frequent probes are then, compared with the longest time
	// between two.
	ShortTimes = soonTimes
	// Together is how many brokers are probed as often as one would be.
	Together = together
	// LeastGap is the shortest time between two probes of a producer.
	LeastGap = gapMin
	// AtOnce is how many of the other brokers are probed at once when one has answered. Those that
	// are left follow at the pace of a short outage.
	AtOnce = hurryAtOnce
	// ProbeIdle is how long the connection of a probe stays without a request.
	ProbeIdle = controlIdle
)

// Probes returns the pace of a producer that probes so many brokers in turn, in an outage in which
// nothing answers: a function that returns the time to the next probe, given how long the outage
// has lasted.
func Probes(most time.Duration, brokers int) func(outage time.Duration) time.Duration {
	often, rarely := newWalks(most)
	return func(outage time.Duration) time.Duration {
		if outage < shortRange {
			return often.gap(brokers)
		}
		return rarely.gap(brokers)
	}
}
