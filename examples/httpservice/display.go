package main

import (
	"context"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/forebay-go/forebay/examples/internal/stage"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// display prints what happens.
type display struct {
	out   io.Writer
	p     *producer.Producer
	begun time.Time
}

func newDisplay(out io.Writer, p *producer.Producer) *display {
	return &display{out: out, p: p, begun: time.Now()}
}

func (d *display) say(mark, what string) {
	fmt.Fprintf(d.out, "%6.1f s  %s %s\n", time.Since(d.begun).Seconds(), mark, what)
}

// during shows for so long, every second, how the producer is.
func (d *display) during(ctx context.Context, span time.Duration) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	end := time.NewTimer(span)
	defer end.Stop()
	for {
		select {
		case <-tick.C:
			stats := d.p.Stats()
			d.say(" ", fmt.Sprintf("high %-9v  bulk %-9v  accepted %7s  delivered %7s  waiting %6s",
				stats.Clusters["high"].State, stats.Clusters["bulk"].State,
				stage.Thousands(stats.Total.Accepted),
				stage.Thousands(stats.Total.Delivered), stage.Thousands(stats.Total.Pending)))
		case <-end.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// results writes how long requests took, and the books. Only after l was stopped.
func (d *display) results(l *load, a *account) {
	for phase := range l.took {
		slices.Sort(l.took[phase])
	}
	fmt.Fprintf(d.out, "\n  How long requests took %18s %18s\n", "Kafka there", "Kafka away")
	fmt.Fprintf(d.out, "  %-22s %18s %18s\n", "requests",
		stage.Thousands(uint64(len(l.took[there]))), stage.Thousands(uint64(len(l.took[away]))))
	for _, row := range []struct {
		name string
		part float64
	}{{"half within", 0.5}, {"99 % within", 0.99}, {"99.9 % within", 0.999}, {"the longest", 1}} {
		fmt.Fprintf(d.out, "  %-22s %18s %18s\n", row.name, within(l.took[there], row.part),
			within(l.took[away], row.part))
	}
	d.histograms(l.took[there], l.took[away])
	fmt.Fprintln(d.out,
		"  The clients, Kafka and whatever else runs on this machine share its processors: "+
			"their pauses are in both.")

	stats := d.p.Stats()
	fmt.Fprintf(d.out, "\n  The books %46s\n", "possibly")
	fmt.Fprintf(d.out,
		"         accepted = delivered + shed + expired + rejected + persisted + pending\n")
	for _, priority := range routing.All {
		b := stats.Priorities[priority]
		fmt.Fprintf(d.out, "  %-6v %8s = %9s + %4s + %7s + %8s + %9s + %7s\n", priority,
			stage.Thousands(b.Accepted), stage.Thousands(b.Delivered),
			stage.Thousands(b.Shed), stage.Thousands(b.Expired), stage.Thousands(b.Rejected),
			stage.Thousands(b.PossiblyPersisted), stage.Thousands(b.Pending))
	}
	if a.err != nil {
		fmt.Fprintf(d.out, "  %s were not accepted, the last for: %v\n",
			stage.Thousands(stats.Total.Refused), a.err)
	}
}

// within returns how long so large a part of sorted took at most.
func within(sorted []time.Duration, part float64) string {
	if len(sorted) == 0 {
		return "-"
	}
	at := max(0, int(part*float64(len(sorted))+0.5)-1)
	return stage.Short(sorted[min(at, len(sorted)-1)])
}

const barWidth = 24

// histograms writes both side by side, each step twice as long as the one before.
func (d *display) histograms(left, right []time.Duration) {
	l, r := steps(left), steps(right)
	fmt.Fprintln(d.out)
	for i := range max(len(l), len(r)) {
		if i < len(l) && l[i] > 0 || i < len(r) && r[i] > 0 {
			line := fmt.Sprintf("  < %-8s %s %s", stage.Short(firstStep<<i), bar(l, i, len(left)),
				bar(r, i, len(right)))
			fmt.Fprintln(d.out, strings.TrimRight(line, " "))
		}
	}
}

const firstStep = 64 * time.Microsecond

// steps counts what is below firstStep, twice that, and so on.
func steps(took []time.Duration) (counts []int) {
	for _, t := range took {
		i := bits.Len64(uint64(t / firstStep))
		for len(counts) <= i {
			counts = append(counts, 0)
		}
		counts[i]++
	}
	return counts
}

// bar returns one step of a histogram: a bar, and how many it stands for.
func bar(counts []int, i, all int) string {
	n := 0
	if i < len(counts) {
		n = counts[i]
	}
	full := 0
	if n > 0 {
		full = max(1, n*barWidth/all)
	}
	return fmt.Sprintf("%7s %-*s", stage.Thousands(uint64(n)), barWidth, strings.Repeat("█", full))
}
