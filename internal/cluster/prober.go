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
)

// prober paces the probes of one broker: often at first, because most outages are restarts, and
// rarely later.
type prober struct {
	most time.Duration
	long *backoff.ExponentialBackOff
}

func newProber(most time.Duration) *prober {
	// A randomization of 1 draws from 0 to twice the interval. So half of most gives full jitter up
	// to most.
	return &prober{most: most, long: backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(most/4),
		backoff.WithMaxInterval(most/2),
		backoff.WithRandomizationFactor(1),
		backoff.WithMaxElapsedTime(0),
	)}
}

// next returns how long to wait before the next probe, in an outage that has lasted for that long.
// Refused means that the broker answers but refuses us: that is no restart, and probed rarely.
func (p *prober) next(outage time.Duration, refused bool) time.Duration {
	if outage < shortRange && !refused {
		return time.Duration(float64(p.most) / soonTimes * (0.8 + 0.4*rand.Float64()))
	}
	return min(p.long.NextBackOff(), p.most)
}

func (p *prober) reset() { p.long.Reset() }
