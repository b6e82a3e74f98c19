package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/forebay-go/forebay/producer"
)

// failures keeps, for each reason why records were not delivered, the last error. Its zero value is
// ready.
type failures struct {
	mu   sync.Mutex // guards what follows
	last map[producer.Reason]error
}

// report takes the delivery report of a record.
func (f *failures) report(rep producer.Report) {
	// context.Canceled ends the requests that an interrupt gives up
	if rep.Outcome == producer.Delivered || rep.Err == nil || errors.Is(rep.Err, context.Canceled) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last == nil {
		f.last = make(map[producer.Reason]error)
	}
	f.last[rep.Reason] = rep.Err
}

// lines returns a line for each reason.
func (f *failures) lines() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var lines []string
	for _, reason := range slices.Sorted(maps.Keys(f.last)) {
		lines = append(lines, fmt.Sprintf("not delivered (%v), last error: %v", reason,
			f.last[reason]))
	}
	return lines
}
