package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cheggaaa/pb/v3"
	"golang.org/x/term"

	"github.com/forebay-go/forebay/audit"
)

// liveTable redraws lines of a terminal in place. It is safe for concurrent use.
type liveTable struct {
	size func() (rows, columns int) // of the terminal

	mu  sync.Mutex // guards what follows; held while writing to out
	out io.Writer
	up  int // how many lines are on the screen
}

func newLiveTable(out io.Writer) *liveTable {
	return &liveTable{out: out, size: func() (rows, columns int) { return terminalSize(out) }}
}

// terminalSize returns the size of the terminal behind out, and a small one if it is not known.
func terminalSize(out io.Writer) (rows, columns int) {
	if f, ok := out.(*os.File); ok {
		columns, rows, err := term.GetSize(int(f.Fd()))
		if err == nil && rows >= 4 && columns >= 20 {
			return rows, columns
		}
	}
	return 24, 80
}

// draw replaces the lines on the screen. Lines that are too long are cut, and so is a table that is
// higher than the terminal: what has scrolled away cannot be replaced.
func (d *liveTable) draw(lines []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	rows, columns := d.size()
	var b bytes.Buffer
	d.wipeLocked(&b)
	for _, line := range lines[:min(len(lines), rows-1)] {
		fmt.Fprintln(&b, pb.StripString(line, columns))
		d.up++
	}
	_, _ = d.out.Write(b.Bytes()) // in one piece, so that it does not flicker
}

// say prints a line that stays.
func (d *liveTable) say(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var b bytes.Buffer
	d.wipeLocked(&b)
	fmt.Fprintln(&b, text)
	_, _ = d.out.Write(b.Bytes())
}

// end removes the table.
func (d *liveTable) end() { d.draw(nil) }

func (d *liveTable) wipeLocked(b *bytes.Buffer) {
	if d.up > 0 {
		fmt.Fprintf(b, "\x1b[%dA\x1b[J", d.up)
		d.up = 0
	}
}

// bucketsOfTable is how many buckets the table on a terminal has.
const bucketsOfTable = 3

// tableOf returns what there is to see of a run, in lines.
func tableOf(s *audit.Snapshot) []string {
	above := progressLine(&audit.Snapshot{Loads: s.Loads, Unmet: s.Unmet})
	lines := []string{s.At.Format(time.TimeOnly) + "  " + above}
	if s.Report != nil {
		lines = append(lines, topicLines(s)...)
	}
	if len(s.Brokers) > 0 {
		lines = append(lines, brokerLines(s.Brokers)...)
	}
	if s.Report != nil {
		lines = append(lines, presenceFindings(s.Report)...)
		lines = append(lines, reportWords(s.Report))
	}
	return lines
}

// topicLines returns a line for each topic, with the completeness of its last buckets.
func topicLines(s *audit.Snapshot) []string {
	cells, topics, buckets := make(map[string]*audit.Counts), []string(nil), []audit.Bucket(nil)
	of := func(key string) *audit.Counts {
		if cells[key] == nil {
			cells[key] = new(audit.Counts)
		}
		return cells[key]
	}
	for i := range s.Report.Rows {
		row := &s.Report.Rows[i]
		of(row.Topic).Add(&row.Counts)
		of(row.Topic + "/" + row.Bucket.String()).Add(&row.Counts)
		topics, buckets = append(topics, row.Topic), append(buckets, row.Bucket)
	}
	topics, buckets = sorted(topics), sorted(buckets)
	buckets = buckets[max(0, len(buckets)-bucketsOfTable):]
	return aligned(func(table io.Writer) {
		fmt.Fprint(table, "TOPIC\t")
		for _, b := range buckets {
			fmt.Fprintf(table, "%s\t", b.Start().Format("15:04"))
		}
		fmt.Fprintln(table, "COMPLETE\tDECIDED\tLOST\tTWICE\tOUT OF ORDER\tOPEN\t")
		for _, topic := range topics {
			fmt.Fprintf(table, "%s\t", topic)
			for _, b := range buckets {
				part := of(topic + "/" + b.String()).Percent()
				fmt.Fprintf(table, "%s\t", strings.TrimSuffix(part, " %"))
			}
			c := of(topic)
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t\n", c.Percent(), count(c.Decided()),
				count(c.Lost), count(c.Unexplained), count(c.OutOfOrder), count(c.Open()))
		}
	})
}

func sorted[T string | audit.Bucket](all []T) []T {
	slices.Sort(all)
	return slices.Compact(all)
}

// brokerLines returns a line for each broker.
func brokerLines(brokers []audit.BrokerReport) []string {
	return aligned(func(table io.Writer) {
		fmt.Fprintln(table, "BROKER\tSTATE\tACK MEDIAN\tACK LONGEST\tREAD MEDIAN\tSENT\tFAILED\t")
		for i := range brokers {
			b := &brokers[i]
			var ack, read audit.Times // those of the slowest partition
			for _, p := range b.Partitions {
				ack.Median = max(ack.Median, p.Acknowledged.Median)
				ack.Longest = max(ack.Longest, p.Acknowledged.Longest)
				read.Median = max(read.Median, p.Read.Median)
			}
			fmt.Fprintf(table, "%d\t%s\t%v\t%v\t%v\t%s\t%s\t\n", b.Broker, b.State,
				short(ack.Median), short(ack.Longest), short(read.Median), count(b.Sent),
				count(b.Failed))
		}
	})
}

// aligned returns the lines of a table.
func aligned(write func(io.Writer)) []string {
	var b bytes.Buffer
	table := rightAligned(&b)
	write(table)
	_ = table.Flush() // to memory
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}
