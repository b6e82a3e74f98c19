package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Mistake is one thing that is wrong with the settings.
type Mistake struct {
	Origin Origin // where it is; without a line if a setting is missing
	Field  string // as in "clusters.events.brokers[0]"; "" for the whole file
	Text   string // what was found, and what to write instead
	Err    error  // the cause, such as the error of opening the file; often nil
}

// Error returns the mistake in one line: where it is, which field, what is wrong.
func (m Mistake) Error() string {
	parts := []string{m.Text}
	if m.Field != "" {
		parts = slices.Insert(parts, 0, m.Field)
	}
	if m.Origin != (Origin{}) {
		parts = slices.Insert(parts, 0, m.Origin.String())
	}
	return strings.Join(parts, ": ")
}

// Unwrap returns the cause of the mistake.
func (m Mistake) Unwrap() error { return m.Err }

// Error is everything that is wrong with the settings, in the order of the file, then of the
// environment.
type Error struct{ Mistakes []Mistake }

// Error returns a line for each mistake, below a heading.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("forebay: wrong configuration:")
	for _, m := range e.Mistakes {
		fmt.Fprintf(&b, "\n%v", m)
	}
	return b.String()
}

// Unwrap returns the mistakes.
func (e *Error) Unwrap() []error {
	errs := make([]error, len(e.Mistakes))
	for i, m := range e.Mistakes {
		errs[i] = m
	}
	return errs
}

// newError returns mistakes as an error, nil if there are none.
func newError(mistakes []Mistake) error {
	if len(mistakes) == 0 {
		return nil
	}
	slices.SortStableFunc(mistakes, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.Origin.Variable, b.Origin.Variable),
			// mistakes without a line come last
			cmp.Compare(uint(a.Origin.Line-1), uint(b.Origin.Line-1)),
			cmp.Compare(a.Origin.Column, b.Origin.Column))
	})
	return &Error{Mistakes: mistakes}
}
