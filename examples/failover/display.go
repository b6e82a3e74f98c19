package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/forebay-go/forebay/producer"
)

// display prints what happens.
type display struct {
	out   io.Writer
	p     *producer.Producer
	w     *watcher
	begun time.Time
	line  sample // of the last line of rates
}

// sample is what was delivered by each cluster at a time.
type sample struct {
	at          time.Time
	main, spare uint64
}

func newDisplay(out io.Writer, p *producer.Producer, w *watcher) *display {
	now := time.Now()
	return &display{out: out, p: p, w: w, begun: now, line: sample{at: now}}
}

func (d *display) say(mark, what string) {
	fmt.Fprintf(d.out, "%6.1f s  %s %s\n", time.Since(d.begun).Seconds(), mark, what)
}

// during shows events and rates for so long.
func (d *display) during(ctx context.Context, span time.Duration) error {
	end := time.Now().Add(span)
	return d.until(ctx, func() bool { return !time.Now().Before(end) })
}

// until shows events and rates until done, or until ctx ends, whose error it returns then.
func (d *display) until(ctx context.Context, done func() bool) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		for _, e := range d.w.take() {
			d.say("*", text(e))
		}
		if now := time.Now(); now.Sub(d.line.at) >= time.Second {
			d.rates(now)
		}
		if done() {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.Join(errors.New("what was to happen next has not"), ctx.Err())
		}
	}
}

// rates writes the line of a second.
func (d *display) rates(now time.Time) {
	stats := d.p.Stats()
	s := sample{now, stats.Clusters["main"].Delivered, stats.Clusters["spare"].Delivered}
	span := now.Sub(d.line.at).Seconds()
	rate := func(now, then uint64) float64 { return float64(now-then) / span }
	d.say(" ", fmt.Sprintf("main %-10v %6.0f/s    spare %-10v %6.0f/s    waiting %6d",
		stats.Clusters["main"].State,
		rate(s.main, d.line.main), stats.Clusters["spare"].State, rate(s.spare,
			d.line.spare), stats.Total.Pending))
	d.line = s
}

// results writes the numbers.
func (d *display) results(l *load, times outage) {
	s := d.p.Stats()
	fmt.Fprintln(d.out)
	for _, row := range []struct {
		what  string
		value any
	}{
		{"accepted", s.Total.Accepted},
		{"delivered by main", s.Clusters["main"].Delivered},
		{"delivered by spare", s.Clusters["spare"].Delivered},
		{"maybe duplicated", s.Total.MaybeDuplicated},
		{"shed", s.Total.Shed},
		{"expired, rejected, possibly persisted", s.Total.Expired + s.Total.Rejected +
			s.Total.PossiblyPersisted},
		{"still pending", s.Total.Pending},
		{"refused", l.refused},
		{"longest Send", l.longest.Round(time.Microsecond)},
		{"longest from Send to delivery", d.w.longest.Round(time.Millisecond)},
		{"from the cut to the first delivery by spare", times.fallback.Round(time.Millisecond)},
		{"from the mend to the return to main", times.comeback.Round(time.Millisecond)},
	} {
		fmt.Fprintf(d.out, "  %-46s %10v\n", row.what, row.value)
	}
}
