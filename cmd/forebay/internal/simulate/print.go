package simulate

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
)

// rows is how many rows a table has at most.
const rows = 60

// Print writes what was played as a table.
func (r *Result) Print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\nSIMULATION OF %s, OUTAGE FROM %s TO %s\n", clock(r.Seconds),
		clock(r.Outage.From), clock(r.Outage.To))
	fmt.Fprintln(w, "  \tOF ONE BROKER\t\t\t\t\t\tOF ONE INSTANCE\tOF ALL")
	fmt.Fprintln(w, "  TIME\tREQUESTS/S\tBYTES/S\tCORES\tBUSIEST\tCONNECTIONS\tATTEMPTS/S\t"+
		"MEMORY\tBACKLOG\tRECORDS LOST")
	steps := r.steps()
	for i, s := range steps {
		if i > 1 && i < len(steps)-1 && s.calm() && steps[i-1].calm() {
			if !steps[i-2].calm() || i == 2 {
				fmt.Fprintln(w, "  …"+strings.Repeat("\t", 9))
			}
			continue
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", clock(s.At),
			fleet.Short(s.Requests.Mean), fleet.BytesText(s.Bytes.Mean), fleet.Short(s.Cores.Mean),
			fleet.Short(s.Cores.Most), fleet.Short(s.Conns.Most), fleet.Short(s.Attempts.Most),
			fleet.BytesText(s.Memory.Most), fleet.BytesText(s.Backlog), fleet.Short(s.Lost))
	}
	r.printEnd(w)
	return w.Flush()
}

// printEnd writes what became of the backlog.
func (r *Result) printEnd(w io.Writer) {
	if r.Outage.To > r.Outage.From {
		fmt.Fprintf(w, "  drained\t%s\n", r.drainText())
	}
	for _, l := range r.Lost {
		if l.Expired+l.NoRoom > 0 {
			fmt.Fprintf(w, "  lost\t%s: %s records expired, %s had no room\n", l.Priority,
				fleet.Short(l.Expired), fleet.Short(l.NoRoom))
		}
	}
}

func (r *Result) drainText() string {
	d := &r.Drain
	if d.Drained == 0 {
		return "no instance in the time that was played"
	}
	text := fmt.Sprintf("the first instance %s after the outage, half of them %s, the last %s",
		fleet.RoundTime(d.First), fleet.RoundTime(d.Median), fleet.RoundTime(d.Last))
	if d.Left > 0 {
		text += fmt.Sprintf("; %s of %s had not when the time was over",
			fleet.Short(float64(d.Left)), fleet.Short(float64(d.Left+d.Drained)))
	}
	return text
}

// calm reports whether nothing waits and nobody tries to connect.
func (s *Second) calm() bool { return s.Backlog == 0 && s.Attempts.Most == 0 && s.Lost == 0 }

// steps returns the timeline in steps of a second, a minute or so: the averages of rates, the most
// of what is connected, tried and held, and the sum of what was lost.
func (r *Result) steps() (steps []Second) {
	size := r.step()
	for i := range r.Timeline {
		s := &r.Timeline[i]
		if i%size == 0 {
			steps = append(steps, Second{At: s.At})
		}
		steps[len(steps)-1].merge(s, min(size, len(r.Timeline)-i+i%size))
	}
	return steps
}

// step returns the seconds of a step.
func (r *Result) step() int {
	for _, size := range []int{1, 5, 10, 30, 60, 300, 600} {
		if len(r.Timeline) <= rows*size {
			return size
		}
	}
	return 1800
}

// merge adds one second to a step of so many.
func (s *Second) merge(other *Second, of int) {
	part := 1 / float64(of)
	for _, each := range []struct{ to, from *Each }{{&s.Requests, &other.Requests},
		{&s.Bytes, &other.Bytes}, {&s.Cores, &other.Cores}, {&s.Conns, &other.Conns},
		{&s.Attempts, &other.Attempts}, {&s.Memory, &other.Memory}} {
		each.to.Mean += each.from.Mean * part
		each.to.Most = max(each.to.Most, each.from.Most)
	}
	s.Records += other.Records * part
	s.Backlog = max(s.Backlog, other.Backlog)
	s.Lost += other.Lost
	s.Draining = max(s.Draining, other.Draining)
}

// clock returns seconds as a time such as 1m30s.
func clock(seconds float64) string {
	if seconds == 0 {
		return "0"
	}
	return fleet.DurationText(time.Duration(seconds * float64(time.Second)))
}
