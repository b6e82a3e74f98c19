package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/forebay-go/forebay/producer"
)

// result is what became of the input.
type result struct {
	summary     producer.Summary
	doubled     uint64 // records that Kafka may have twice
	tooLarge    uint64 // lines that were too large to send
	unread      uint64 // files that were not read to their end
	fatal       error  // why no line could be sent
	interrupted bool   // whether reading stopped before the end of the input
	signaled    bool   // whether a signal came at all
	elapsed     time.Duration
}

// undelivered returns how many lines were read and not delivered.
func (r *result) undelivered() uint64 {
	return r.summary.Accepted - r.summary.Delivered + r.tooLarge
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
		return exitFailed
	}
}

// String returns the result as one line.
func (r *result) String() string {
	text := fmt.Sprintf("accepted %s, delivered %s, not delivered %s", count(r.summary.Accepted),
		count(r.summary.Delivered), count(r.undelivered()))
	if why := r.why(); len(why) > 0 {
		text += " (" + strings.Join(why, ", ") + ")"
	}
	if r.doubled > 0 {
		text += fmt.Sprintf(", %s possibly duplicated", count(r.doubled))
	}
	seconds := r.elapsed.Seconds()
	text += fmt.Sprintf(", in %.1fs, %s/s", seconds,
		perSecond(float64(r.summary.Delivered)/seconds))
	if r.unread > 0 {
		text += fmt.Sprintf(", %s not read to its end", plural(int(r.unread), "input"))
	}
	if r.interrupted {
		text += ", interrupted before the end of the input"
	}
	return text
}

// why counts the undelivered lines by reason.
func (r *result) why() []string {
	why := lostBy(r.summary)
	if r.tooLarge > 0 {
		why = append(why, count(r.tooLarge)+" too large")
	}
	return why
}

// lostBy counts the records that were lost after they were accepted, by reason.
func lostBy(summary producer.Summary) (why []string) {
	for _, reason := range slices.Sorted(maps.Keys(summary.Lost)) {
		words := reason.String()
		if reason == producer.ReasonClosed {
			words = "given up on interrupt" // nothing else closes the producer early
		}
		why = append(why, count(summary.Lost[reason])+" "+words)
	}
	return why
}
