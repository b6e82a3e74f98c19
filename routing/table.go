package routing

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// Rule gives the records of some topics a priority.
type Rule struct {
	// Topic is the name of a topic, or a pattern in the syntax of path.Match, such as "playback.*".
	Topic string `yaml:"topic"`
	// Priority is the one that records of these topics have when they name none themselves.
	Priority Priority `yaml:"priority"`
}

// Table finds the priority of a topic. It is immutable and safe for concurrent use.
type Table struct {
	exact    map[string]Priority
	patterns []Rule
}

// NewTable checks rules and builds a table of them. Every mistake is in the one error that it returns.
func NewTable(rules []Rule) (*Table, error) {
	t := &Table{exact: make(map[string]Priority)}
	var errs []error
	for i, r := range rules {
		if err := r.check(); err != nil {
			errs = append(errs, fmt.Errorf("topics[%d]%w", i, err))
			continue
		}
		if strings.ContainsAny(r.Topic, `*?[\`) {
			t.patterns = append(t.patterns, r)
		} else if _, twice := t.exact[r.Topic]; twice {
			errs = append(errs, fmt.Errorf("topics[%d].topic: %q has a rule already: keep one of them", i, r.Topic))
		} else {
			t.exact[r.Topic] = r.Priority
		}
	}
	return t, errors.Join(errs...)
}

func (r Rule) check() error {
	if r.Topic == "" {
		return errors.New(".topic: empty: write the name of a topic or a pattern such as \"playback.*\"")
	}
	if _, err := path.Match(r.Topic, ""); err != nil {
		return fmt.Errorf(".topic: %q is not a pattern: a bracket is not closed, or a backslash ends it", r.Topic)
	}
	if !r.Priority.Valid() {
		return fmt.Errorf(".priority: %v: write low, medium or high", r.Priority)
	}
	return nil
}

// Priority returns the priority of topic: that of the rule with its exact name, else that of the first pattern that
// matches, else Medium.
func (t *Table) Priority(topic string) Priority {
	if p, ok := t.exact[topic]; ok {
		return p
	}
	for _, r := range t.patterns {
		if ok, _ := path.Match(r.Topic, topic); ok { // the pattern was checked by NewTable
			return r.Priority
		}
	}
	return Medium
}
