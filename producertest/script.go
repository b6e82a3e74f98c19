package producertest

import (
	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/producer"
)

// Step is what becomes of one record.
type Step struct {
	refusal error
	report  producer.Report
	holds   bool
}

// Deliver has a record delivered.
func Deliver() Step { return Step{report: producer.Report{Outcome: producer.Delivered}} }

// Refuse has Send refuse a record with a *producer.SendError that wraps err, such as
// producer.ErrBufferFull. It panics if err is nil.
func Refuse(err error) Step {
	if err == nil {
		panic("producertest: Refuse needs an error")
	}
	return Step{refusal: err}
}

// Lose has a record accepted, and then lost with an outcome and a reason: producer.Shed,
// producer.Expired, producer.Rejected or producer.PossiblyPersisted. It panics with another one.
func Lose(outcome producer.Outcome, reason producer.Reason) Step {
	if outcome == delivery.Pending || outcome == producer.Delivered {
		panic("producertest: Lose needs the outcome of a lost record")
	}
	return Step{report: producer.Report{Outcome: outcome, Reason: reason}}
}

// Expire has a record accepted, and then lost because its delivery timeout is over.
func Expire() Step { return Lose(producer.Expired, producer.ReasonDeliveryTimeout) }

// Hold has a record accepted, and leaves it without an outcome until Release.
func Hold() Step { return Step{holds: true} }

// Script says what becomes of the next records of a topic, one step for each. Topic "" stands for
// the records of all topics that have no script of their own. The last step is repeated for all
// further records. A second call adds its steps behind those that were not used yet, in place of a
// last step that was.
func (r *Recorder) Script(topic string, steps ...Step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.scripts == nil {
		r.scripts = make(map[string]*script)
	}
	s := r.scripts[topic]
	if s == nil {
		s = new(script)
		r.scripts[topic] = s
	}
	if s.repeats {
		s.steps, s.repeats = nil, false
	}
	s.steps = append(s.steps, steps...)
}

// script is what is left of the steps of a topic.
type script struct {
	steps   []Step
	repeats bool // the only step that is left was used
}

// nextLocked returns the step for a record of topic.
func (r *Recorder) nextLocked(topic string) Step {
	s := r.scripts[topic]
	if s == nil || len(s.steps) == 0 {
		s = r.scripts[""]
	}
	if s == nil || len(s.steps) == 0 {
		return Deliver()
	}
	step := s.steps[0]
	if len(s.steps) > 1 {
		s.steps = s.steps[1:]
	} else {
		s.repeats = true
	}
	return step
}
