package loadtest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/forebay-go/forebay/producer"
)

// leastWait is the lowest fetch.max.wait that kgo takes.
const leastWait = 10 * time.Millisecond

// mostRate is the highest rate that makes sense: nobody sends as many from one process.
const mostRate = 10e6

func (c *Config) checkRecords() error {
	var wrong []error
	if !slices.Contains([]Mode{Steps, Search, Consumers, FetchWait}, c.Mode) {
		wrong = append(wrong, fmt.Errorf("mode: %q: write steps, search, consumers or fetch_wait",
			c.Mode))
	}
	if c.Topic == "" {
		wrong = append(wrong, errors.New("topic: not set: name a topic that exists"))
	} else if e, ok := errors.AsType[*producer.SendError](
		(&producer.Record{Topic: c.Topic}).Check()); ok {
		wrong = append(wrong, fmt.Errorf("topic: %q: %s", c.Topic, e.Hint))
	}
	return errors.Join(append(wrong,
		within("bytes", c.Bytes, stampLen, 1<<20),
		within("keys", c.Keys, 0, 1_000_000))...)
}

func within[T int | int32 | int64](field string, value, least, most T) error {
	if value < least || value > most {
		return fmt.Errorf("%s: %d: write %d to %d", field, value, least, most)
	}
	return nil
}

func (c *Config) checkTimes() error {
	var wrong []error
	for _, t := range []struct {
		field       string
		value       time.Duration
		least, most time.Duration
	}{
		{"warm_up", c.WarmUp, time.Millisecond, time.Hour},
		{"duration", c.Duration, 100 * time.Millisecond, 24 * time.Hour},
		{"drain", c.Drain, 100 * time.Millisecond, time.Hour},
	} {
		if t.value < t.least || t.value > t.most {
			wrong = append(wrong, fmt.Errorf("%s: %v: write %v to %v", t.field, t.value, t.least,
				t.most))
		}
	}
	return errors.Join(wrong...)
}

func (c *Config) checkRates() error {
	var wrong []error
	for _, rate := range c.RecordsPerSecond {
		wrong = append(wrong, checkRate("records_per_second", rate))
	}
	if c.Ramp != nil {
		wrong = append(wrong, c.Ramp.check())
	}
	n := len(c.RecordsPerSecond)
	switch {
	case c.Mode == Steps && n > 0 && c.Ramp != nil:
		wrong = append(wrong, errors.New("ramp: records_per_second is set too: keep one of them"))
	case c.Mode == Steps && n == 0 && c.Ramp == nil:
		wrong = append(wrong, errors.New("records_per_second: not set: write rates, such as "+
			"[1000, 2000]"))
	case (c.Mode == Consumers || c.Mode == FetchWait) && n != 1:
		wrong = append(wrong, fmt.Errorf("records_per_second: %d rates: mode %s takes one, such "+
			"as [1000]", n, c.Mode))
	}
	return errors.Join(wrong...)
}

func checkRate(field string, rate float64) error {
	if !(rate >= 1 && rate <= mostRate) {
		return fmt.Errorf("%s: %v: write a rate of 1 to %d", field, rate, int(mostRate))
	}
	return nil
}

// mostSteps bounds a ramp.
const mostSteps = 1000

func (r *Ramp) check() error {
	if err := errors.Join(checkRate("ramp.from", r.From), checkRate("ramp.to", r.To),
		checkRate("ramp.step", r.Step)); err != nil {
		return err
	}
	if r.To < r.From {
		return fmt.Errorf("ramp.to: %v is below ramp.from, %v: exchange them", r.To, r.From)
	}
	if (r.To-r.From)/r.Step >= mostSteps {
		return fmt.Errorf("ramp.step: %v: more than %d steps: write a larger one", r.Step,
			mostSteps)
	}
	return nil
}

func (c *Config) checkObjective() error {
	if c.Objective == nil {
		if c.Mode == Search {
			return errors.New("objective: not set: write what the rate has to meet, such as " +
				"{p99: 50ms, loss: 0}")
		}
		return nil
	}
	return c.Objective.check()
}

func (c *Config) checkSearch() error {
	s := &c.Search
	wrong := []error{checkRate("search.from", s.From), checkRate("search.to", s.To),
		within("search.confirm", s.Confirm, 1, 100)}
	if !(s.Resolution >= 0.001 && s.Resolution <= 1) {
		wrong = append(wrong, fmt.Errorf("search.resolution: %v: write a share of 0.001 to 1",
			s.Resolution))
	}
	if s.To < s.From {
		wrong = append(wrong, fmt.Errorf("search.to: %v is below search.from, %v: exchange them",
			s.To, s.From))
	}
	return errors.Join(wrong...)
}

func (c *Config) checkReaders() error {
	wrong := []error{within("readers", c.Readers, 1, 1000), within("rounds", c.Rounds, 3, 1000),
		within("old_records", c.OldRecords, 1, 1_000_000_000),
		within("fetch_wait.min_bytes", c.FetchWait.MinBytes, 1, 50<<20)}
	for _, wait := range c.FetchWait.Values {
		if wait < leastWait || wait > time.Minute {
			wrong = append(wrong, fmt.Errorf("fetch_wait.values: %v: write %v to 1m0s", wait,
				leastWait))
		}
	}
	for _, pid := range c.BrokerPIDs {
		if pid < 1 {
			wrong = append(wrong, fmt.Errorf("broker_pids: %d: write the number of each broker's "+
				"process", pid))
		}
	}
	return errors.Join(wrong...)
}
