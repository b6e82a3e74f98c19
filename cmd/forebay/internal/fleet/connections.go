package fleet

import "time"

const (
	// shortOutage is how long an outage is taken for a restart, and probed often.
	shortOutage = 90 * time.Second
	shortTimes  = 20 // probes in the longest time between two of a longer outage
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
			c.Instance += lanes[i].reach()
		}
	}
	c.Broker = c.Instance * float64(f.Instances) / float64(f.Brokers)
	c.Share = c.Broker / c.Limit
	return c
}

// reached returns how many brokers an instance sends to, all priorities together. Records without a
// key go to the same brokers whatever their priority is.
func (f *Fleet) reached(lanes []lane) float64 {
	brokers := float64(f.Brokers)
	missed, unkeyed := 1.0, false
	for i := range lanes {
		missed *= 1 - lanes[i].keyedReach()/brokers
		unkeyed = unkeyed || lanes[i].unkeyed()
	}
	if unkeyed {
		missed *= 1 - f.subset()/brokers
	}
	return brokers * (1 - missed)
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

// storm returns how producers come back. A producer probes every broker that it knows; the time
// between two probes is random between 0 and probe_max, so half of it on average. The probe that is
// answered leaves a connection, and the records then need those of connections.
func (f *Fleet) storm(c Connections) Storm {
	instances := float64(f.Instances)
	s := Storm{Limit: f.Limits.NewConnections,
		Attempts:      instances * 2 / f.Settings.ProbeMax.Seconds(),
		ShortAttempts: instances * shortTimes / f.Settings.ProbeMax.Seconds(),
		Open:          instances + (c.Instance-1)*instances/float64(f.Brokers)}
	longest := f.Settings.ProbeMax.Seconds()
	if f.Outage <= shortOutage {
		longest /= shortTimes
	}
	s.Seconds = max(longest, s.Open/s.Limit)
	return s
}
