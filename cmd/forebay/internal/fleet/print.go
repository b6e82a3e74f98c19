package fleet

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"
)

// Print writes the plan as tables.
func (p *Plan) Print(out io.Writer) error {
	w := &printer{table: tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)}
	w.line("%s, %s, linger %s, %s", counted(p.Instances, "instance"),
		counted(p.Brokers, "broker"), p.fleet.lingerText(), p.fleet.usesText())
	w.lanes(p)
	w.broker(p)
	w.outage(p)
	w.storm(p)
	w.advice(p)
	w.origin(&p.Coefficients)
	return w.table.Flush()
}

// counted returns a number of things, such as "1 broker" and "2 brokers".
func counted(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return humanize.Comma(int64(n)) + " " + thing
}

// lingerText returns the linger, or the range of it.
func (f *Fleet) lingerText() string {
	least := DurationText(f.Settings.Linger)
	if f.Settings.MaxLinger <= f.Settings.Linger {
		return least
	}
	return least + " to " + DurationText(f.Settings.MaxLinger)
}

// usesText says which brokers an instance uses.
func (f *Fleet) usesText() string {
	lanes := lanesOf(f)
	keys := !slices.ContainsFunc(lanes, func(l lane) bool { return l.unkeyed() })
	switch reached := int(math.Round(f.reached(lanes))); {
	case len(lanes) == 0:
		return "no records are sent"
	case keys && reached < f.Brokers:
		return "each instance uses " + counted(reached, "broker")
	case keys || int(f.subset()) == f.Brokers:
		return "each instance uses all brokers"
	}
	return fmt.Sprintf("each instance uses %s for records without keys",
		counted(int(f.subset()), "broker"))
}

// printer writes lines and columns.
type printer struct{ table *tabwriter.Writer }

func (w *printer) line(format string, args ...any) {
	fmt.Fprintf(w.table, format+"\n", args...)
}

func (w *printer) title(text string) { w.line("\n%s", text) }

// fact writes a name and what it is.
func (w *printer) fact(name, format string, args ...any) {
	w.line("  %s\t%s", name, fmt.Sprintf(format, args...))
}

func (w *printer) lanes(p *Plan) {
	w.title("PER INSTANCE")
	w.line("  PRIORITY\tRECORDS/S\tREQUESTS/S\tRECORDS PER REQUEST\tBYTES/S")
	rows := p.Lanes
	if len(rows) > 1 {
		rows = append(rows[:len(rows):len(rows)], p.Instance)
	}
	for _, l := range rows {
		w.line("  %s\t%s\t%s\t%s\t%s", l.Priority, Short(l.Records), Short(l.Requests),
			Short(l.RecordsPerRequest), BytesText(l.Bytes))
	}
	w.line("  connections\t%s", Short(p.Connections.Instance))
}

func (w *printer) broker(p *Plan) {
	b := &p.Broker
	w.title("PER BROKER")
	if b.Requests > 0 {
		w.fact("requests/s", "%s; records in each: %s, batches: %s", Short(b.Requests),
			Short(p.Instance.RecordsPerRequest), Short(p.Instance.Batches/p.Instance.Requests))
	} else {
		w.fact("requests/s", "0")
	}
	w.fact("from producers", "%s/s, %s of what it takes", BytesText(b.ProduceBytes),
		percent(b.ProduceBytes/float64(p.fleet.Broker.ProduceBytesPerSecond)))
	w.fact("with all replicas", "%s/s", BytesText(b.WrittenBytes))
	w.fact("connections", "%s of %s", Short(b.Connections), Short(p.Connections.Limit))
	w.cores(p)
	if p.fleet.Zones > 1 {
		w.fact("between zones", "%s/s of producers, the whole fleet", BytesText(p.CrossZone))
	}
}

func (w *printer) cores(p *Plan) {
	if p.Coefficients.NoProcessor {
		w.fact("processor", "not measured: calibrate with --pid")
		return
	}
	c := &p.Broker.Cores
	w.fact("processor", "%s of %s cores, %s", Short(c.Total), Short(p.fleet.Broker.Cores),
		percent(c.Share))
	w.fact("", "requests %s, batches %s, replication %s, bytes %s, connections %s, base %s",
		Short(c.Requests), Short(c.Batches), Short(c.Replication), Short(c.Bytes),
		Short(c.Connections), Short(c.Base))
}

func (w *printer) outage(p *Plan) {
	o := &p.Outage
	w.title("OUTAGE OF " + DurationText(p.fleet.Outage) + ", PER INSTANCE")
	w.line("  PRIORITY\tNEEDS\tGETS\tENOUGH FOR\tRECORDS EXPIRED\tRECORDS WITHOUT ROOM")
	for _, h := range o.Lanes {
		w.line("  %s\t%s\t%s\t%s\t%s\t%s", h.Priority, BytesText(h.Needed), BytesText(h.Kept),
			RoundTime(h.KeptSeconds), Short(h.Expired), Short(h.NoRoom))
	}
	fits := "holds it"
	if !o.Fits {
		fits = "does not hold it"
	}
	w.fact("buffer", "%s %s: %s needed", BytesText(o.Buffer), fits, BytesText(o.Needed))
	w.fact("afterwards", "%s for each broker, which takes %s/s (%s): %s", BytesText(o.Backlog),
		BytesText(o.Capacity), o.Bound, drainText(o))
}

// drainText says how long the backlog takes.
func drainText(o *Outage) string {
	if o.DrainSeconds < 0 {
		return "never drained"
	}
	return "drained in " + RoundTime(o.DrainSeconds)
}

func (w *printer) storm(p *Plan) {
	s := &p.Storm
	w.title("RECONNECTING")
	w.fact("attempts to connect", "%s/s to each broker while it is away (%s/s in the first 90s); "+
		"the limit is %s/s", Short(s.Attempts), Short(s.ShortAttempts), Short(s.Limit))
	w.fact("when it is back", "each broker accepts %s connections, in %s", Short(s.Open),
		RoundTime(s.Seconds))
}

func (w *printer) advice(p *Plan) {
	w.title("ADVICE")
	if len(p.Advice) == 0 {
		w.line("  none")
	}
	for _, a := range p.Advice {
		w.line("  %s: %s", a.Setting, a.Write)
		w.line("    because   %s", a.Why)
		w.line("    gives     %s", a.Gives)
	}
}

func (w *printer) origin(c *Coefficients) {
	if c.NoProcessor {
		return
	}
	w.line("\nProcessor times were measured on %s, %s, Kafka %s. Reads of consumers are not in "+
		"them.", c.Measured.Format(time.DateOnly), c.Machine, c.Kafka)
	if c.NoReplicas {
		w.line("The cost of replication was not measured: calibrate with two brokers or more.")
	}
}

// Short returns a number that is not negative, with three digits or so.
func Short(f float64) string {
	switch {
	case math.Abs(f-math.Round(f)) < 1e-9, math.Abs(f) >= 100:
		return humanize.Comma(int64(math.Round(f)))
	case f < 0.001:
		return "<0.001"
	case math.Abs(f) < 1:
		return strconv.FormatFloat(f, 'g', 2, 64)
	}
	return strconv.FormatFloat(f, 'f', max(0, 2-len(strconv.Itoa(int(math.Abs(f))))), 64)
}

// BytesText returns a size with its unit.
func BytesText(bytes float64) string { return humanize.IBytes(uint64(max(0, bytes))) }

func percent(f float64) string {
	if f > 0 && f < 0.01 {
		return "below 1 %"
	}
	return humanize.Comma(int64(math.Round(100*f))) + " %"
}

// RoundTime returns seconds as a time without needless digits.
func RoundTime(s float64) string {
	d := seconds(s)
	for _, step := range []time.Duration{time.Minute, time.Second, 100 * time.Millisecond,
		10 * time.Millisecond} {
		if d >= 100*step {
			return DurationText(d.Round(step))
		}
	}
	return DurationText(d.Round(time.Millisecond))
}
