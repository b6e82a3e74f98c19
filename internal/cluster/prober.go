package cluster

import (
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v4"
)

const (
	probeSoon = 100 * time.Millisecond // between probes of a short outage, with a fifth of jitter
	// an outage up to this is short: a restart of a pod, a broker or a machine
	shortRange = 90 * time.Second
	// ProbeMax bounds the time between probes of a long outage. The time is random up to that (full
	// jitter), so each broker is probed once a second on average.
	ProbeMax = 2 * time.Second
)

// prober paces the probes of one broker: often at first, because most outages are restarts, and
// rarely later.
type prober struct{ long *backoff.ExponentialBackOff }

func newProber() *prober {
	// A randomization of 1 draws from 0 to twice the interval. So half of ProbeMax gives full
	// jitter up to ProbeMax.
	return &prober{long: backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(ProbeMax/4),
		backoff.WithMaxInterval(ProbeMax/2),
		backoff.WithRandomizationFactor(1),
		backoff.WithMaxElapsedTime(0),
	)}
}

// next returns how long to wait before the next probe, in an outage that has lasted for that long.
// Refused means that the broker answers but refuses us: that is no restart, and probed rarely.
func (p *prober) next(outage time.Duration, refused bool) time.Duration {
	if outage < shortRange && !refused {
		return time.Duration(float64(probeSoon) * (0.8 + 0.4*rand.Float64()))
	}
	return min(p.long.NextBackOff(), ProbeMax)
}

func (p *prober) reset() { p.long.Reset() }
