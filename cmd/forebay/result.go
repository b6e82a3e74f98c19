package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/forebay-go/forebay/producer"
)

// result is what became of the input.
type result struct {
	summary     producer.Summary
	doubled     uint64 // records that Kafka may have twice
	tooLarge    uint64 // lines that were not sent for their size
	unread      uint64 // files that were not read to their end
	fatal       error  // why no line can be sent at all
	interrupted bool   // before the end of the input
	signaled    bool   // at all
	elapsed     time.Duration
}

// undelivered returns how many lines were read and not delivered.
func (r *result) undelivered() uint64 {
	return r.summary.Accepted - r.summary.Delivered +
		r.tooLarge
}

// complete reports whether the whole input was delivered.
func (r *result) complete() bool {
	return r.undelivered() == 0 && r.unread == 0 && !r.interrupted
}

// code returns the exit code.
func (r *result) code() int {
	switch {
	case r.complete():
		return exitOK
	case r.signaled:
		return exitInterrupted
	default:
		return exitUndelivered
	}
}

// String returns the result in a line.
func (r *result) String() string {
	text := fmt.Sprintf("accepted %s, delivered %s, not delivered %s", count(r.summary.Accepted),
		count(r.summary.Delivered),
		count(r.undelivered()))
	if why := r.why(); len(why) > 0 {
		text += " (" + strings.Join(why, ", ") + ")"
	}
	if r.doubled > 0 {
		text += fmt.Sprintf(", %s maybe delivered twice", count(r.doubled))
	}
	seconds := r.elapsed.Seconds()
	text += fmt.Sprintf(", in %.1fs, %s/s", seconds,
		perSecond(float64(r.summary.Delivered)/seconds))
	if r.unread > 0 {
		text += fmt.Sprintf(", %s not read to the end", plural(int(r.unread), "input"))
	}
	if r.interrupted {
		text += ", interrupted before the end of the input"
	}
	return text
}

// why lists what was not delivered by reason.
func (r *result) why() []string {
	var why []string
	for _, reason := range slices.Sorted(maps.Keys(r.summary.Lost)) {
		words := reason.String()
		if reason == producer.ReasonClosed {
			words = "given up when interrupted" // nothing else closes a producer here
		}
		why = append(why, count(r.summary.Lost[reason])+" "+words)
	}
	if r.tooLarge > 0 {
		why = append(why, count(r.tooLarge)+" not sent for their size")
	}
	return why
}

// failures keeps the last error of each reason for which records were not delivered. Its zero value
// is ready.
type failures struct {
	mu   sync.Mutex // guards what follows
	last map[producer.Reason]error
}

// report takes note of the outcome of a record.
func (f *failures) report(rep producer.Report) {
	if rep.Outcome == producer.Delivered || rep.Err == nil || errors.Is(rep.Err, context.Canceled) {
		return // the last is how requests end that an interrupt gives up
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
		lines = append(lines, fmt.Sprintf("not delivered (%v), the last failure: %v", reason,
			f.last[reason]))
	}
	return lines
}
