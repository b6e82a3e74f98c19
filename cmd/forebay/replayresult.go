package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/forebay-go/forebay/cmd/forebay/internal/capture"
	"github.com/forebay-go/forebay/producer"
)

// replayResult is what became of a capture.
type replayResult struct {
	played      capture.PlayerStats
	summary     producer.Summary
	doubled     uint64   // records that Kafka may have twice
	failed      []string // the last error of each reason, a line each
	damage      error    // why the capture could not be read to its end
	interrupted bool     // before the end of the capture
	complete    bool     // the capture is of a whole range
	elapsed     time.Duration
}

// lost returns how many records were read and not delivered.
func (r *replayResult) lost() uint64 { return r.played.Read - r.summary.Delivered }

// String returns the result as one line.
func (r *replayResult) String() string {
	text := fmt.Sprintf("read %s, sent %s, delivered %s, lost %s", count(r.played.Read),
		count(r.played.Sent), count(r.summary.Delivered), count(r.lost()))
	if why := r.why(); len(why) > 0 {
		text += " (" + strings.Join(why, ", ") + ")"
	}
	if r.doubled > 0 {
		text += fmt.Sprintf(", %s possibly duplicated", count(r.doubled))
	}
	text += fmt.Sprintf(", in %.1fs", r.elapsed.Seconds())
	if late := r.played.Latest; late > 0 {
		text += fmt.Sprintf(", at most %v late", short(late))
	}
	text += gapWords(&r.played)
	if r.interrupted {
		text += ", interrupted before the end of the capture"
	}
	return text
}

// gapWords says which times without records were left out.
func gapWords(played *capture.PlayerStats) string {
	if played.Gaps == 0 {
		return ""
	}
	return fmt.Sprintf(", left out %s without records, at most %v (--max-gap)",
		countOf(played.Gaps, "time"), played.Gap)
}

// why counts the lost records by reason: first those that were not sent.
func (r *replayResult) why() []string {
	var why []string
	for _, reason := range slices.Sorted(maps.Keys(r.played.Refused)) {
		why = append(why, count(r.played.Refused[reason])+" "+reason)
	}
	return append(why, lostBy(r.summary)...)
}

// finish prints the result. The error is an exitError unless all was delivered.
func (r *replayResult) finish(stdout, stderr io.Writer, name string) error {
	for _, line := range r.failed {
		fmt.Fprintln(stderr, line)
	}
	fmt.Fprintln(stdout, r)
	switch {
	case r.damage != nil:
		return gaveUp(stderr, fmt.Errorf("%s: %w", name, r.damage))
	case r.interrupted:
		return exitError(exitInterrupted)
	case !r.complete:
		fmt.Fprintf(stderr, "%s: the capture is not of a whole range: recording was interrupted\n",
			name)
	}
	if r.lost() > 0 {
		return exitError(exitFaulty)
	}
	return nil
}
