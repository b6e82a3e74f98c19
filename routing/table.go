package routing

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Rule gives the records of some topics a priority.
type Rule struct {
	// Topic is the name of a topic, or a pattern such as "playback.*", in the syntax of path.Match.
	// Required.
	Topic string `yaml:"topic"`

	// Priority is the priority of records for these topics that name none themselves. Required.
	Priority Priority `yaml:"priority"`

	// MaxShare bounds the memory of each of these topics, as a part of what its priority may hold,
	// such as 0.25. Zero means no bound. NewTable rejects values below 0 and above 1.
	MaxShare float64 `yaml:"max_share"`
}

// Table finds the rule of a topic. It is immutable and safe for concurrent use.
type Table struct {
	rules    []Rule
	exact    map[string]int // in rules
	patterns []int          // in rules
}

// NewTable checks rules and builds a table of them. It returns all mistakes in one error.
func NewTable(rules []Rule) (*Table, error) {
	t := &Table{rules: slices.Clone(rules), exact: make(map[string]int)}
	var errs []error
	for i, r := range rules {
		if err := r.check(); err != nil {
			errs = append(errs, fmt.Errorf("topics[%d]%w", i, err))
			continue
		}
		if strings.ContainsAny(r.Topic, `*?[\`) {
			t.patterns = append(t.patterns, i)
		} else if _, twice := t.exact[r.Topic]; twice {
			errs = append(errs,
				fmt.Errorf("topics[%d].topic: %q has a rule already: keep one of them", i, r.Topic))
		} else {
			t.exact[r.Topic] = i
		}
	}
	return t, errors.Join(errs...)
}

func (r Rule) check() error {
	if err := checkPattern(r.Topic); err != nil {
		return fmt.Errorf(".topic: %w", err)
	}
	switch {
	case r.Priority == Unset:
		return errors.New(".priority: unset: write low, medium or high, or give the entry " +
			"another setting")
	case !r.Priority.Valid():
		return fmt.Errorf(".priority: %v: write low, medium or high", r.Priority)
	}
	if !(r.MaxShare >= 0 && r.MaxShare <= 1) { // nor is it NaN
		return fmt.Errorf(".max_share: %v: write a part of the lane's memory from 0 to 1, or 0 "+
			"for no bound", r.MaxShare)
	}
	return nil
}

func checkPattern(pattern string) error {
	if pattern == "" {
		return errors.New("empty: write the name of a topic or a pattern such as \"playback.*\"")
	}
	if _, err := path.Match(pattern, ""); err != nil {
		return fmt.Errorf("%q is not a pattern: a bracket is not closed, or a backslash ends it",
			pattern)
	}
	return nil
}

// Priority returns the priority of topic. The rule with its exact name decides, else the first
// pattern that matches. Without either it is Medium.
func (t *Table) Priority(topic string) Priority { return t.rule(topic).Priority }

// MaxShare returns the part of its lane's memory that topic may hold, by the same rule as Priority.
// Zero means no bound of its own.
func (t *Table) MaxShare(topic string) float64 { return t.rule(topic).MaxShare }

// Match returns which of the rules that NewTable was given decides about topic; -1: none does.
func (t *Table) Match(topic string) int {
	if i, ok := t.exact[topic]; ok {
		return i
	}
	for _, i := range t.patterns {
		if ok, _ := path.Match(t.rules[i].Topic, topic); ok { // NewTable has checked the pattern
			return i
		}
	}
	return -1
}

func (t *Table) rule(topic string) Rule {
	if i := t.Match(topic); i >= 0 {
		return t.rules[i]
	}
	return Rule{Priority: Medium}
}
