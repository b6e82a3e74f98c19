package loadtest

import (
	"context"
	"time"
)

// Wait is the figures of one value of fetch.max.wait over all rounds.
type Wait struct {
	Value string `json:"fetch_max_wait"`

	AckP50     *Spread `json:"ack_p50_ms"`
	AckP99     *Spread `json:"ack_p99_ms"`
	EndToEnd50 *Spread `json:"end_to_end_p50_ms"`
	EndToEnd99 *Spread `json:"end_to_end_p99_ms"`
	Fetches    *Spread `json:"fetch_requests_per_second"`
	BrokerCPU  *Spread `json:"broker_cpu_processors"`
	OwnCPU     *Spread `json:"own_cpu_processors"`
}

// fetchWait measures with each value, in turns.
func (r *runner) fetchWait(sending, closing context.Context) error {
	for round := 1; round <= r.config.Rounds; round++ {
		for _, wait := range r.config.FetchWait.Values {
			plan := r.plan
			plan.maxWait, plan.minBytes = wait, r.config.FetchWait.MinBytes
			if err := r.read(sending, closing, r.config.Readers, plan,
				named{wait.String(), round}); err != nil {
				return err
			}
		}
	}
	return nil
}

// waits sums up the rounds.
func waits(values []time.Duration, all []*Measurement) (list []Wait) {
	for _, value := range values {
		var mine []*Measurement
		for _, m := range whole(all) {
			if m.Name == value.String() {
				mine = append(mine, m)
			}
		}
		if len(mine) == 0 {
			continue
		}
		list = append(list, Wait{Value: value.String(), AckP50: over(mine, ackP50),
			AckP99:     over(mine, ackP99),
			EndToEnd50: over(mine, endToEnd(func(l *Latency) Millis { return l.P50 })),
			EndToEnd99: over(mine, endToEnd(func(l *Latency) Millis { return l.P99 })),
			Fetches:    over(mine, fetches), BrokerCPU: over(mine, brokerCPU),
			OwnCPU: over(mine, ownCPU)})
	}
	return list
}
