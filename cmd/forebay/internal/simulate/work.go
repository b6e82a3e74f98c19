package simulate

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
)

const (
	// mostPairs is how many pairs of an instance and a broker can be played. Each takes up to a
	// hundred bytes.
	mostPairs = 10_000_000
	// mostEntries is how many entries topics may have.
	mostEntries = 300
	// mostWork bounds the work of all seconds, where that of a second, an instance and a connection
	// is 1. It takes up to a minute on two cores.
	mostWork = 1e10
	// drainWork is the work for a connection in a step in which brokers take what has waited.
	drainWork = 3
	// entryWork is the work for an entry of topics, in a second in which something waits.
	entryWork = 40
)

// tooMuch returns an error if it takes too much memory or time to play a fleet for so long.
func tooMuch(p *fleet.Plan, f *fleet.Fleet, lasts time.Duration) error {
	if int64(f.Instances)*int64(f.Brokers) > mostPairs {
		return errors.New("instances × brokers is more than 10 million: write fewer of both, " +
			"with the same records/s for each instance")
	}
	if n := len(f.Topics); n > mostEntries {
		return fmt.Errorf("topics has %d entries: write %d at most, and count for topics that are "+
			"alike", n, mostEntries)
	}
	each := p.Connections.Instance*(lasts.Seconds()+drainWork*drainSteps(p, f, lasts)) +
		entryWork*float64(len(f.Topics))*f.Outage.Seconds()
	if part := mostWork / (each * float64(f.Instances)); part < 1 {
		return fmt.Errorf("%s of this fleet would take too long to play: write a fleet file with "+
			"%.0f instances or fewer, or a shorter time and outage", fleet.DurationText(lasts),
			math.Floor(part*float64(f.Instances)))
	}
	return nil
}

// drainSteps returns how many steps there are in which something waits after the outage.
func drainSteps(p *fleet.Plan, f *fleet.Fleet, lasts time.Duration) float64 {
	drains := (lasts - f.Outage - calm).Seconds()
	if p.Outage.DrainSeconds >= 0 {
		drains = min(drains, p.Outage.DrainSeconds)
	}
	return drains + (fine-1)*min(drains, finely.Seconds())
}
