package loadtest

import (
	"context"
	"math"
)

// The phases of a round of Consumers, in their order.
const (
	Alone     = "produce only"
	Tailing   = "tailing readers"
	Beginning = "readers from the beginning"
	Again     = "produce only again"
)

var phases = []string{Alone, Tailing, Beginning, Again}

// Impact is a phase of Consumers over all rounds, beside its rounds' phases that only produce: the
// mean of the one before and the one after. Again is beside Alone, and shows how much two phases
// differ that are the same.
type Impact struct {
	Phase string `json:"phase"`

	AckP50     *Spread `json:"ack_p50_ms"`
	AckP99     *Spread `json:"ack_p99_ms"`
	AckP999    *Spread `json:"ack_p99_9_ms"`
	Delivered  *Spread `json:"delivered_records_per_second"`
	Fetches    *Spread `json:"fetch_requests_per_second"`
	Read       *Spread `json:"read_records_per_second"`
	Lag        *Spread `json:"lag_records"`
	BrokerCPU  *Spread `json:"broker_cpu_processors"`
	OwnCPU     *Spread `json:"own_cpu_processors"`
	EndToEnd50 *Spread `json:"end_to_end_p50_ms,omitempty"`
	EndToEnd99 *Spread `json:"end_to_end_p99_ms,omitempty"`

	// Changes are differences in the units above; nil for Alone.
	Changes *Changes `json:"changes,omitempty"`
}

// Changes is what a phase changes, round by round.
type Changes struct {
	AckP50    *Spread `json:"ack_p50_ms"`
	AckP99    *Spread `json:"ack_p99_ms"`
	AckP999   *Spread `json:"ack_p99_9_ms"`
	Delivered *Spread `json:"delivered_records_per_second"`
	BrokerCPU *Spread `json:"broker_cpu_processors"`
	OwnCPU    *Spread `json:"own_cpu_processors"`
}

// consumers takes the measurements of all rounds. Rounds take turns with the phases, so that a
// machine that becomes slower does not look like readers that cost something.
func (r *runner) consumers(sending, closing context.Context) error {
	for round := 1; round <= r.config.Rounds; round++ {
		for _, phase := range phases {
			plan := r.plan
			plan.old = phase == Beginning
			n := r.config.Readers
			if phase == Alone || phase == Again {
				n = 0
			}
			if err := r.read(sending, closing, n, plan, named{phase, round}); err != nil {
				return err
			}
		}
	}
	return nil
}

// impacts compares the phases of all whole rounds.
func impacts(all []*Measurement) (list []Impact) {
	for _, phase := range phases {
		mine := wholeRounds(all, phase)
		if len(mine) == 0 {
			return nil
		}
		i := Impact{Phase: phase, AckP50: over(mine, ackP50), AckP99: over(mine, ackP99),
			AckP999: over(mine, ackP999), Delivered: over(mine, delivered),
			Fetches: over(mine, fetches), Read: over(mine, readRate), Lag: over(mine, lag),
			BrokerCPU: over(mine, brokerCPU), OwnCPU: over(mine, ownCPU),
			EndToEnd50: over(mine, endToEnd(func(l *Latency) Millis { return l.P50 })),
			EndToEnd99: over(mine, endToEnd(func(l *Latency) Millis { return l.P99 }))}
		if phase != Alone {
			i.Changes = changes(mine, wholeRounds(all, Alone), wholeRounds(all, Again))
		}
		list = append(list, i)
	}
	return list
}

// wholeRounds returns the measurements of a phase, of all rounds that have a whole last phase.
func wholeRounds(all []*Measurement, phase string) (mine []*Measurement) {
	n := len(whole(all)) / len(phases) * len(phases)
	for _, m := range all[:n] {
		if m.Name == phase {
			mine = append(mine, m)
		}
	}
	return mine
}

// whole returns the measurements without one that was interrupted, which is the last.
func whole(all []*Measurement) []*Measurement {
	if n := len(all); n > 0 && all[n-1].Interrupted {
		return all[:n-1]
	}
	return all
}

// changes compares each measurement with those of the same round that only produce.
func changes(mine, before, after []*Measurement) *Changes {
	against := func(f figure) *Spread {
		var values []float64
		for i, m := range mine {
			base := (f(before[i]) + f(after[i])) / 2
			if m.Name == Again {
				base = f(before[i])
			}
			if d := f(m) - base; !math.IsNaN(d) {
				values = append(values, d)
			}
		}
		return spread(values)
	}
	return &Changes{AckP50: against(ackP50), AckP99: against(ackP99), AckP999: against(ackP999),
		Delivered: against(delivered), BrokerCPU: against(brokerCPU),
		OwnCPU: against(ownCPU)}
}
