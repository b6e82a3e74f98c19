package loadtest

import "context"

// Found is what a search has found.
type Found struct {
	// Highest is the highest rate that has met the objective, in records per second; 0: none.
	Highest float64 `json:"highest_records_per_second"`

	// Above is the lowest rate above it that has not; 0: none was tried.
	Above float64 `json:"not_met_records_per_second,omitempty"`

	// Limit is why it is not higher.
	Limit Limit `json:"limit"`

	// Measurements is how many were taken.
	Measurements int `json:"measurements"`
}

// Limit is why a search has found no higher rate.
type Limit string

// The limits.
const (
	ByObjective Limit = "objective" // Above misses the objective
	ByTo        Limit = "search.to" // no higher rate was allowed
	// BySender means that measurements at Above say nothing, mostly because the sender is too slow.
	BySender      Limit = "inconclusive"
	ByInterrupted Limit = "interrupted"
)

// probe measures at a rate. The error ends the search.
type probe func(ctx context.Context, rate float64) (Verdict, error)

// search doubles the rate until it does not meet the objective, and then halves the distance
// between the highest rate that does and the lowest that does not. Of each rate, several
// measurements have to agree. After an error, what was found goes as far as it goes.
func search(ctx context.Context, c SearchConfig, try probe) (Found, error) {
	f := Found{Limit: ByTo}
	agreed := func(rate float64) (Verdict, error) { return f.agree(ctx, c.Confirm, rate, try) }
	for rate := c.From; ; rate = min(2*rate, c.To) {
		verdict, err := agreed(rate)
		if err != nil {
			f.Limit = ByInterrupted
			return f, err
		}
		if f.take(rate, verdict); verdict != Met {
			break
		}
		if rate >= c.To {
			return f, nil
		}
	}
	for f.Highest > 0 && f.Above-f.Highest > c.Resolution*f.Highest {
		rate := (f.Highest + f.Above) / 2
		verdict, err := agreed(rate)
		if err != nil {
			f.Limit = ByInterrupted
			return f, err
		}
		f.take(rate, verdict)
	}
	return f, nil
}

// take notes what was agreed on a rate.
func (f *Found) take(rate float64, verdict Verdict) {
	if verdict == Met {
		f.Highest = rate
		return
	}
	f.Above, f.Limit = rate, ByObjective
	if verdict == Inconclusive {
		f.Limit = BySender
	}
}

// agree measures at a rate until as many measurements as needed agree. With three verdicts, that is
// after 3*needed-2 at the latest.
func (f *Found) agree(ctx context.Context, needed int, rate float64, try probe) (Verdict, error) {
	votes := make(map[Verdict]int)
	for {
		verdict, err := try(ctx, rate)
		if err != nil {
			return "", err
		}
		f.Measurements++
		if votes[verdict]++; votes[verdict] == needed {
			return verdict, nil
		}
	}
}
