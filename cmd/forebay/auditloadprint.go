package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/forebay-go/forebay/cmd/forebay/internal/loadtest"
)

// loadBegins says what will be done, and how long it takes.
func loadBegins(c *loadtest.Config) string {
	takes, known := c.Takes()
	if known {
		return fmt.Sprintf("mode %s, topic %s: takes about %v", c.Mode, c.Topic,
			takes.Round(time.Second))
	}
	return fmt.Sprintf("mode %s, topic %s: each measurement takes about %v", c.Mode, c.Topic,
		takes.Round(time.Second))
}

// measurementLine says what a measurement has found.
func measurementLine(m *loadtest.Measurement) string {
	text := fmt.Sprintf("%s/s: sent %s/s, delivered %s/s, %.3g MB/s, ack p50 %v, p99 %v, max %v",
		perSecond(m.Rate), perSecond(m.SentRate), perSecond(m.DeliveredRate), m.MegabytesRate,
		m.Ack.P50, m.Ack.P99, m.Ack.Max)
	if m.Name != "" {
		text = fmt.Sprintf("round %d, %s, %s", m.Round, m.Name, text)
	}
	if r := m.Readers; r != nil {
		text += fmt.Sprintf("; read %s/s, %.3g MB/s, %s fetch requests/s",
			perSecond(r.RecordsRate), r.MegabytesRate, humanize.CommafWithDigits(r.FetchRate, 1))
		if r.EndToEnd != nil {
			text += fmt.Sprintf(", end to end p50 %v, p99 %v", r.EndToEnd.P50, r.EndToEnd.P99)
		}
	}
	if lost := m.Refused + m.Failed + m.Open; lost > 0 {
		text += fmt.Sprintf("; %s not delivered (%s)", count(lost), whyLost(m))
	}
	if words := verdictOfMeasurement(m); words != "" {
		text += "; " + words
	}
	return text
}

// whyLost counts the records that were not delivered by reason.
func whyLost(m *loadtest.Measurement) string {
	var why []string
	for _, reason := range slices.Sorted(maps.Keys(m.Reasons)) {
		why = append(why, count(m.Reasons[reason])+" "+reason)
	}
	if m.Open > 0 {
		why = append(why, count(m.Open)+" without an outcome")
	}
	return strings.Join(why, ", ")
}

// verdictOfMeasurement says whether the objective was met, and why not.
func verdictOfMeasurement(m *loadtest.Measurement) string {
	text := string(m.Verdict)
	if why := append(slices.Clone(m.MissedBy), m.Problems...); len(why) > 0 {
		text += ": " + strings.Join(why, ", ")
	}
	if m.Interrupted {
		text = strings.TrimPrefix(text+"; interrupted", "; ")
	}
	return text
}

// printLoad prints a result as tables.
func printLoad(out io.Writer, r *loadtest.Result) {
	for _, line := range r.Done {
		fmt.Fprintln(out, line)
	}
	switch {
	case r.Impacts != nil:
		printImpacts(out, r)
	case r.Waits != nil:
		printWaits(out, r)
	case len(r.Measurements) > 0:
		printMeasurements(out, r.Measurements)
	}
	if r.NoBrokerCPU != "" && r.Found == nil && r.Mode != loadtest.Steps {
		fmt.Fprintf(out, "processor time of the brokers: not at hand: %s\n", r.NoBrokerCPU)
	}
	for _, m := range r.Measurements {
		if m.Verdict == loadtest.Inconclusive {
			fmt.Fprintf(out, "%s\n", measurementLine(m))
		}
	}
	fmt.Fprintf(out, "\n%s\n", loadWords(r))
}

func printMeasurements(out io.Writer, all []*loadtest.Measurement) {
	table := rightAligned(out)
	named := slices.ContainsFunc(all, func(m *loadtest.Measurement) bool { return m.Name != "" })
	if named {
		fmt.Fprint(table, "ROUND\tOF\t")
	}
	fmt.Fprintln(table, "RECORDS/S\tSENT/S\tDELIVERED/S\tMB/S\tREFUSED\tFAILED\tACK P50\tP90\t"+
		"P99\tP99.9\tMAX\tSENT LATE P99\tMAX\tBROKERS' CPU\tOWN CPU\tVERDICT\t")
	for _, m := range all {
		if named {
			fmt.Fprintf(table, "%d\t%s\t", m.Round, m.Name)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%.3g\t%s\t%s\t%v\t%v\t%v\t%v\t%v\t%v\t%v\t%s\t%s\t%s\t\n",
			perSecond(m.Rate), perSecond(m.SentRate), perSecond(m.DeliveredRate), m.MegabytesRate,
			count(m.Refused), count(m.Failed+m.Open), m.Ack.P50, m.Ack.P90, m.Ack.P99, m.Ack.P999,
			m.Ack.Max, m.SenderLate.P99, m.SenderLate.Max, processors(m.BrokerCPU),
			processors(m.OwnCPU), m.Verdict)
	}
	_ = table.Flush()
}

// processors writes how many processors brokers took.
func processors(n *float64) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprintf("%.2f", *n)
}

func printImpacts(out io.Writer, r *loadtest.Result) {
	table := rightAligned(out)
	fmt.Fprintln(table, "PHASE\tACK P50 (MS)\tP99\tP99.9\tDELIVERED/S\tREAD/S\tFETCHES/S\tLAG\t"+
		"BROKERS' CPU\tOWN CPU\t")
	for i := range r.Impacts {
		p := &r.Impacts[i]
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", p.Phase,
			spread(p.AckP50, "%.*f"), spread(p.AckP99, "%.*f"), spread(p.AckP999, "%.*f"),
			median(p.Delivered), median(p.Read), median(p.Fetches), median(p.Lag),
			spread(p.BrokerCPU, "%.2f"), spread(p.OwnCPU, "%.2f"))
	}
	_ = table.Flush()
	fmt.Fprintf(out, "medians of %s (least to most)\n\n",
		plural(len(r.Measurements)/len(r.Impacts), "round"))
	fmt.Fprintln(table, "CHANGE\tACK P50 (MS)\tP99\tP99.9\tDELIVERED/S\tBROKERS' CPU\tOWN CPU\t")
	for i := range r.Impacts {
		p := &r.Impacts[i]
		if c := p.Changes; c != nil {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", p.Phase,
				spread(c.AckP50, "%+.*f"), spread(c.AckP99, "%+.*f"), spread(c.AckP999, "%+.*f"),
				spread(c.Delivered, "%+.0f"), spread(c.BrokerCPU, "%+.2f"),
				spread(c.OwnCPU, "%+.2f"))
		}
	}
	_ = table.Flush()
	fmt.Fprintln(out, "against produce only in the same round; what \"produce only again\" "+
		"changes is chance")
}

func printWaits(out io.Writer, r *loadtest.Result) {
	table := rightAligned(out)
	fmt.Fprintln(table, "FETCH.MAX.WAIT\tACK P50 (MS)\tP99\tEND TO END P50 (MS)\tP99\tFETCHES/S\t"+
		"BROKERS' CPU\tOWN CPU\t")
	for i := range r.Waits {
		w := &r.Waits[i]
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", w.Value,
			spread(w.AckP50, "%.*f"), spread(w.AckP99, "%.*f"), spread(w.EndToEnd50, "%.*f"),
			spread(w.EndToEnd99, "%.*f"), median(w.Fetches), spread(w.BrokerCPU, "%.2f"),
			spread(w.OwnCPU, "%.2f"))
	}
	_ = table.Flush()
	fmt.Fprintln(out, "medians of the rounds (least to most)")
}

// spread writes a figure over all rounds. The format of a number may leave the number of decimals
// open: large ones have none.
func spread(s *loadtest.Spread, format string) string {
	if s == nil {
		return "-"
	}
	write := func(v float64) string {
		if !strings.Contains(format, "*") {
			return fmt.Sprintf(format, v)
		}
		decimals := 1
		if math.Abs(v) >= 100 {
			decimals = 0
		}
		return fmt.Sprintf(format, decimals, v)
	}
	return fmt.Sprintf("%s (%s to %s)", write(s.Median), write(s.Least), write(s.Most))
}

// median writes the median of a figure.
func median(s *loadtest.Spread) string {
	if s == nil {
		return "-"
	}
	return perSecond(s.Median)
}

// loadWords says what a result comes to.
func loadWords(r *loadtest.Result) string {
	text := string(r.Verdict)
	switch {
	case r.Found != nil:
		text = foundWords(r.Found)
	case text == "":
		text = "measured"
	}
	if len(r.Why) > 0 {
		text += ": " + strings.Join(r.Why, "; ")
	}
	if r.Interrupted {
		text += "; interrupted: there is more to measure"
	}
	return text
}

func foundWords(f *loadtest.Found) string {
	what := fmt.Sprintf("highest rate that meets the objective: %s records/s", perSecond(f.Highest))
	if f.Highest == 0 {
		what = "no rate that meets the objective was found"
	}
	switch f.Limit {
	case loadtest.ByObjective:
		what += fmt.Sprintf("; %s/s misses it", perSecond(f.Above))
		if f.Highest == 0 {
			what += ": write a lower search.from"
		}
	case loadtest.ByTo:
		what += "; search.to allows no higher one"
	case loadtest.BySender:
		what = fmt.Sprintf("inconclusive: %s; measurements at %s/s say nothing about Kafka", what,
			perSecond(f.Above))
	}
	return fmt.Sprintf("%s (%s)", what, plural(f.Measurements, "measurement"))
}
