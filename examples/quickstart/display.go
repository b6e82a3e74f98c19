package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/forebay-go/forebay/examples/internal/stage"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// screen is where a display writes, and what that can do.
type screen struct {
	io.Writer
	live   bool // lines that were written can be drawn again
	colour bool
}

// newScreen looks at what f is. A terminal too narrow or too low for the table gets plain lines, as
// a pipe does. So does Windows, where not every console knows how to move the cursor.
func newScreen(f *os.File) screen {
	s := screen{Writer: f}
	width, height, err := term.GetSize(int(f.Fd()))
	s.live = err == nil && width > tableWidth && height >= 20 && os.Getenv("TERM") != "dumb" &&
		runtime.GOOS != "windows"
	s.colour = s.live && os.Getenv("NO_COLOR") == ""
	return s
}

const (
	tableWidth = 76
	redraw     = 100 * time.Millisecond
	rateSpan   = time.Second // that a rate is the mean of
)

// The colours, as the terminal's user has chosen them.
const (
	bold, dim          = "1", "2"
	red, green, yellow = "31", "32", "33"
)

// display tells the story. On a live screen, what happened stands above a table that is drawn again
// and again; elsewhere there is a line per second between what happened.
type display struct {
	out   screen
	p     *producer.Producer
	begun time.Time
	end   time.Duration

	buf     bytes.Buffer // what flush writes, in one go so that nothing flickers
	history []sample     // of the last rateSpan, and one before
	drawn   int          // lines of the table that are on the screen
	lines   int          // seconds that have had their line; 0 before the heading
}

// sample is how many records were delivered at a time.
type sample struct {
	at        time.Time
	delivered map[routing.Priority]uint64
}

// newDisplay begins the story of p, whose senders stop at end.
func newDisplay(out screen, p *producer.Producer, end time.Duration) *display {
	d := &display{out: out, p: p, begun: time.Now(), end: end}
	d.printf("\n  %s\n\n", d.paint(bold,
		"Forebay quickstart: Kafka clusters come and go, the application never waits"))
	return d
}

// until shows the table until the application has run for age, and done returns true. Where done
// does not within patience, it returns an error.
func (d *display) until(ctx context.Context, age time.Duration, done func() bool) error {
	tick := time.NewTicker(redraw)
	defer tick.Stop()
	for {
		d.show()
		ran := time.Since(d.begun)
		switch {
		case ran >= age && done():
			return nil
		case ran >= age+patience:
			return fmt.Errorf("nothing was delivered within %v of the start of a cluster", patience)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			d.erase()
			d.flush()
			return ctx.Err()
		}
	}
}

// event writes a line that stays.
func (d *display) event(what string) {
	d.erase()
	d.printf("%s  %s\n", d.paint(dim, d.clock()), what)
	switch {
	case d.out.live:
		d.show()
	case d.lines == 0:
		d.heading()
		d.lines = 1
	}
	d.flush()
}

func (d *display) clock() string { return fmt.Sprintf("%6.1f s", time.Since(d.begun).Seconds()) }

// show draws the table, or writes a line if it is time for one.
func (d *display) show() {
	stats := d.p.Stats()
	if d.out.live {
		d.erase()
		d.table(&stats)
	} else if age := time.Since(d.begun); age >= time.Duration(d.lines)*time.Second {
		d.line(&stats)
		d.lines = int(age/time.Second) + 1
	}
	d.flush()
}

// table draws the table.
func (d *display) table(stats *producer.Stats) {
	before := bytes.Count(d.buf.Bytes(), []byte("\n"))
	d.printf("\n  %s\n", d.paint(bold, fmt.Sprintf("%-8s  %-12s  %9s  %9s  %8s  %6s  %10s",
		"priority", "its cluster", "accepted", "delivered", "waiting", "lost", "rate")))
	d.printf("  %s\n", d.paint(dim, strings.Repeat("─", tableWidth-2)))
	rates := d.rates(stats)
	for _, priority := range routing.All {
		books, state := stats.Priorities[priority], stats.Clusters[priority.String()].State
		waiting := fmt.Sprintf("%8s", stage.Thousands(books.Pending))
		if !state.Ready() {
			waiting = d.paint(yellow, waiting)
		}
		d.printf("  %-8v  %s  %9s  %9s  %s  %6s  %8s/s\n", priority,
			d.paint(colourOf(state), fmt.Sprintf("● %-10v", state)),
			stage.Thousands(books.Accepted), stage.Thousands(books.Delivered), waiting,
			stage.Thousands(lost(&books)), stage.Thousands(rates[priority]))
	}
	age := min(time.Since(d.begun), d.end)
	full := int(age * (tableWidth - 2) / d.end)
	d.printf("  %s%s\n", d.paint(green, strings.Repeat("━", full)),
		d.paint(dim, strings.Repeat("─", tableWidth-2-full)))
	d.drawn = bytes.Count(d.buf.Bytes(), []byte("\n")) - before
}

// erase takes the table from the screen.
func (d *display) erase() {
	if d.drawn > 0 {
		d.printf("\x1b[%dA\x1b[J", d.drawn) // go up so many lines, and clear what is below
		d.drawn = 0
	}
}

// rates returns how many records of each priority are delivered per second.
func (d *display) rates(stats *producer.Stats) map[routing.Priority]uint64 {
	now := sample{time.Now(), make(map[routing.Priority]uint64)}
	for priority, books := range stats.Priorities {
		now.delivered[priority] = books.Delivered
	}
	d.history = append(d.history, now)
	for len(d.history) > 2 && now.at.Sub(d.history[1].at) >= rateSpan {
		d.history = d.history[1:]
	}
	then := d.history[0]
	perSecond := make(map[routing.Priority]uint64)
	if span := now.at.Sub(then.at).Seconds(); span > 0 {
		for priority, n := range now.delivered {
			perSecond[priority] = uint64(float64(n-then.delivered[priority])/span + 0.5)
		}
	}
	return perSecond
}

// heading says what the columns of line are.
func (d *display) heading() {
	var names, columns string
	for _, priority := range routing.All {
		names += fmt.Sprintf("  %-28s", strings.ToUpper(priority.String()))
		columns += fmt.Sprintf("  %-10s%9s%9s", "cluster", "delivered", "waiting")
	}
	d.printf("\n%8s%s\n%8s%s\n", "", strings.TrimRight(names, " "), "", columns)
}

// line writes a line of the plain output.
func (d *display) line(stats *producer.Stats) {
	d.printf("%s", d.clock())
	for _, priority := range routing.All {
		books, state := stats.Priorities[priority], stats.Clusters[priority.String()].State
		d.printf("  %-10v%9s%9s", state, stage.Thousands(books.Delivered),
			stage.Thousands(books.Pending))
	}
	d.printf("\n")
}

// results writes the books and what was measured. Only after l was stopped.
func (d *display) results(stats producer.Stats, l *load, c *comebacks, read int) {
	d.erase()
	d.printf("\n  %s\n", d.paint(bold, fmt.Sprintf("%-58s%s", "The books", "possibly")))
	d.printf("  %s\n", d.paint(bold,
		"       accepted = delivered + shed + expired + rejected + persisted + pending"))
	for _, priority := range routing.All {
		b := stats.Priorities[priority]
		d.printf("  %-6v %8s = %9s + %4s + %7s + %8s + %9s + %7s\n", priority,
			stage.Thousands(b.Accepted), stage.Thousands(b.Delivered),
			stage.Thousands(b.Shed), stage.Thousands(b.Expired), stage.Thousands(b.Rejected),
			stage.Thousands(b.PossiblyPersisted), stage.Thousands(b.Pending))
	}
	if n, err := l.refused(); n > 0 {
		d.printf("  %s were not accepted, the last for: %v\n", stage.Thousands(uint64(n)), err)
	}
	d.sends(l)
	d.comebacks(c)
	d.printf("\n  %s\n", d.paint(bold, "Read back from Kafka"))
	d.printf("  %9s  records, and %s were accepted\n", stage.Thousands(uint64(read)),
		stage.Thousands(stats.Total.Accepted))
	d.flush()
}

// sends writes how long Send took.
func (d *display) sends(l *load) {
	calls := l.calls()
	if len(calls) == 0 {
		return
	}
	d.printf("\n  %s\n", d.paint(bold,
		fmt.Sprintf("How long Send took, %s times, clusters or no clusters",
			stage.Thousands(uint64(len(calls))))))
	d.printf("  %9s  or less in half of the calls\n", stage.Short(calls[len(calls)/2]))
	d.printf("  %9s  in the longest\n", stage.Short(calls[len(calls)-1]))
	d.printf("  %9s  in the longest pass of an empty loop: the machine's own pauses\n",
		stage.Short(l.longestEmpty()))
}

// comebacks writes how soon records flowed after their cluster started.
func (d *display) comebacks(c *comebacks) {
	d.printf("\n  %s\n", d.paint(bold, "How soon the first waiting record was delivered"))
	for i, when := range []string{"cluster came up", "cluster came back"} {
		for _, priority := range routing.All {
			if took := c.of(priority); len(took) > i {
				d.printf("  %9s  after the %v %s\n", stage.Short(took[i]), priority, when)
			}
		}
	}
}

// success ends the story.
func (d *display) success(records int) {
	text := fmt.Sprintf("All %s accepted records are in Kafka exactly once, keyed ones in order.",
		stage.Thousands(uint64(records)))
	d.printf("\n  %s\n\n", d.paint(green, text))
	d.flush()
}

func (d *display) printf(format string, args ...any) { fmt.Fprintf(&d.buf, format, args...) }

// flush writes to the screen. It ignores errors: where nobody reads, the story still has its exit
// status.
func (d *display) flush() {
	_, _ = d.out.Write(d.buf.Bytes())
	d.buf.Reset()
}

func (d *display) paint(code, text string) string {
	if !d.out.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func colourOf(state producer.ClusterState) string {
	switch state {
	case producer.Up:
		return green
	case producer.Down:
		return red
	default:
		return yellow
	}
}

// lost is what was accepted and will not be delivered.
func lost(b *producer.Books) uint64 { return b.Shed + b.Expired + b.Rejected + b.PossiblyPersisted }
