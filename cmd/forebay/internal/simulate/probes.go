package simulate

import (
	"time"

	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
	"github.com/forebay-go/forebay/internal/cluster"
)

// darkness is how instances probe a cluster of which no broker answers.
type darkness struct {
	attempts []float64 // connection attempts of an instance to one broker, by second
	back     []float64 // of some instances: seconds from the return to the first answered probe
}

const (
	probes          = 3_000_000 // that are played, or a few more
	probedInstances = 1000      // at most
)

// darken plays the probes of some instances in an outage, at the pace of the engine. Each probes
// all brokers in turn. Instances do not affect each other here, so the others are like those.
func darken(f *fleet.Fleet) darkness {
	lasts := f.Outage.Seconds()
	each := 1 + lasts/cluster.LeastGap.Seconds() // probes of an instance, at most
	instances := min(f.Instances, probedInstances, max(16, int(probes/each)))
	d := darkness{attempts: make([]float64, int(lasts)+1)}
	part := 1 / float64(instances*f.Brokers)
	for range instances {
		next := cluster.Probes(f.Settings.ProbeMax, f.Brokers)
		at := 0.0
		for at < lasts {
			d.attempts[int(at)] += part
			at += next(time.Duration(at * float64(time.Second))).Seconds()
		}
		d.back = append(d.back, at-lasts)
	}
	return d
}
