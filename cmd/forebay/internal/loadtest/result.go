package loadtest

import "time"

// Result is what a run has measured.
type Result struct {
	Mode    Mode      `json:"mode"`
	Topic   string    `json:"topic"`
	Cluster string    `json:"cluster"`
	Began   time.Time `json:"began"`

	// Done says what was done before the first measurement.
	Done []string `json:"done,omitempty"`

	// NoBrokerCPU says why the processor time of the brokers is not at hand.
	NoBrokerCPU string `json:"broker_cpu_not_at_hand,omitempty"`

	Measurements []*Measurement `json:"measurements"` // in the order of time
	Found        *Found         `json:"found,omitempty"`
	Impacts      []Impact       `json:"impacts,omitempty"`
	Waits        []Wait         `json:"fetch_waits,omitempty"`

	// Verdict is empty if there was no objective and nothing was inconclusive.
	Verdict     Verdict  `json:"verdict,omitempty"`
	Why         []string `json:"why,omitempty"`
	Interrupted bool     `json:"interrupted,omitempty"`
}

// conclude sums up the measurements.
func (r *Result) conclude(c *Config) {
	switch r.Mode {
	case Search:
		r.concludeSearch()
		return
	case Consumers:
		r.Impacts = impacts(r.Measurements)
	case FetchWait:
		r.Waits = waits(c.FetchWait.Values, r.Measurements)
	}
	if c.Objective != nil {
		r.worsen(Met)
	}
	for _, m := range r.Measurements {
		r.worsen(m.Verdict)
	}
	if len(r.Measurements) == 0 {
		r.worsen(Inconclusive)
	}
}

// concludeSearch sums up a search. Its measurements that miss the objective are how it works.
func (r *Result) concludeSearch() {
	switch {
	case r.Found == nil || r.Found.Limit == BySender:
		r.worsen(Inconclusive)
	case r.Found.Limit == ByInterrupted:
	case r.Found.Highest == 0:
		r.worsen(Missed)
	default:
		r.worsen(Met)
	}
}

// worsen takes a verdict into that of the run. A missed objective goes before what is inconclusive.
func (r *Result) worsen(v Verdict) {
	order := map[Verdict]int{"": 0, Met: 1, Inconclusive: 2, Missed: 3}
	if order[v] > order[r.Verdict] {
		r.Verdict = v
	}
}
