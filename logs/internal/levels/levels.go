// Package levels has the table from the level of a log line to the priority of its record.
package levels

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/forebay-go/forebay/routing"
)

// Table is a table from levels of type L to priorities. It is not changed once it is made.
type Table[L cmp.Ordered] []row[L]

type row[L cmp.Ordered] struct {
	from     L
	priority routing.Priority
}

// New returns the table that the option Priorities describes; byDefault does if that is nil. The
// error names the entries whose priority does not exist.
func New[L cmp.Ordered](priorities, byDefault map[L]routing.Priority) (Table[L], error) {
	if priorities == nil {
		priorities = byDefault
	}
	t := make(Table[L], 0, len(priorities))
	var wrong []error
	for _, from := range slices.Backward(slices.Sorted(maps.Keys(priorities))) {
		p := priorities[from]
		if p != routing.Unset && !p.Valid() {
			wrong = append(wrong, fmt.Errorf("option Priorities: level %v has priority %d: write "+
				"routing.Low, routing.Medium, routing.High or routing.Unset", from, p))
		}
		t = append(t, row[L]{from, p})
	}
	return t, errors.Join(wrong...)
}

// Of returns the priority of the highest level in the table that is not above level, Unset if there
// is none.
func (t Table[L]) Of(level L) routing.Priority {
	for i := range t {
		if level >= t[i].from {
			return t[i].priority
		}
	}
	return routing.Unset
}
