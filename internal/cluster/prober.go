package cluster

import (
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v4"
)

const (
	probeSoon = 100 * time.Millisecond // between probes of a short outage, with a fifth of jitter
	// an outage is short until then: a pod, a broker or a machine that is started anew
	shortRange = 90 * time.Second
	// ProbeMax bounds the time between probes of a long outage; they come after a random part of up
	// to that (full jitter), so once a second and broker on average.
	ProbeMax = 2 * time.Second
)

// prober paces the probes of one broker: closely at first, for most outages are restarts, then
// rarely.
type prober struct{ long *backoff.ExponentialBackOff }

func newProber() *prober {
	// A randomization of 1 draws from 0 to twice the interval, which is full jitter of ProbeMax for
	// half of it.
	return &prober{long: backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(ProbeMax/4),
		backoff.WithMaxInterval(ProbeMax/2),
		backoff.WithRandomizationFactor(1),
		backoff.WithMaxElapsedTime(0),
	)}
}

// next returns how long to wait in an outage that has lasted for that long. One that is a refusal
// is no restart.
func (p *prober) next(outage time.Duration, refused bool) time.Duration {
	if outage < shortRange && !refused {
		return time.Duration(float64(probeSoon) * (0.8 + 0.4*rand.Float64()))
	}
	return min(p.long.NextBackOff(), ProbeMax)
}

func (p *prober) reset() { p.long.Reset() }
