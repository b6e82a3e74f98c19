package loadtest

import (
	"errors"
	"fmt"
	"time"
)

// Objective is what a measurement has to meet. Fields that are zero demand nothing, except Loss.
type Objective struct {
	// P50 to P999 are the longest acknowledgement latencies at these percentiles.
	P50  time.Duration `yaml:"p50"`
	P90  time.Duration `yaml:"p90"`
	P99  time.Duration `yaml:"p99"`
	P999 time.Duration `yaml:"p99_9"`

	// Loss is the largest share of records that may not be delivered. The default is 0.
	Loss float64 `yaml:"loss"`
}

func (o *Objective) check() error {
	var wrong []error
	for _, l := range o.limits(&Latency{}) {
		if l.limit < 0 || l.limit > time.Hour {
			wrong = append(wrong, fmt.Errorf("objective.%s: %v: write a time up to 1h0m0s", l.name,
				l.limit))
		}
	}
	if !(o.Loss >= 0 && o.Loss < 1) {
		wrong = append(wrong, fmt.Errorf("objective.loss: %v: write a share of 0 up to 1, such as "+
			"0.001", o.Loss))
	}
	return errors.Join(wrong...)
}

// limit is what one percentile has to meet.
type limit struct {
	name  string
	limit time.Duration // zero: demands nothing
	is    Millis
}

func (o *Objective) limits(l *Latency) []limit {
	return []limit{{"p50", o.P50, l.P50}, {"p90", o.P90, l.P90}, {"p99", o.P99, l.P99},
		{"p99_9", o.P999, l.P999}}
}

// Verdict is whether a measurement has met its objective.
type Verdict string

// The verdicts. A measurement without an objective has none, unless it is inconclusive.
const (
	Met          Verdict = "met"
	Missed       Verdict = "missed"
	Inconclusive Verdict = "inconclusive" // the measurement says nothing about Kafka
)

// judge returns whether a measurement has met the objective, and what it missed. A latency that
// would be within its limit but for the sender's own lateness decides nothing. What is missed for
// certain goes before.
func (o *Objective) judge(m *Measurement) (verdict Verdict, why []string) {
	if len(m.Problems) > 0 {
		return Inconclusive, nil
	}
	if o == nil {
		return "", nil
	}
	late := o.limits(&m.SenderLate)
	for i, l := range o.limits(&m.Ack) {
		most := Millis(l.limit.Seconds() * 1000)
		switch {
		case most == 0 || !(l.is > most):
		case l.is-late[i].is <= most:
			m.problem("%s is above the objective only because the sender itself was late", l.name)
		default:
			why = append(why, fmt.Sprintf("%s %v > %v", l.name, l.is, l.limit))
		}
	}
	if loss := m.Loss(); loss > o.Loss {
		why = append(why, fmt.Sprintf("loss %.4g > %g", loss, o.Loss))
	}
	switch {
	case len(why) > 0:
		return Missed, why
	case len(m.Problems) > 0:
		return Inconclusive, nil
	}
	return Met, nil
}
