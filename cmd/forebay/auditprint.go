package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/forebay-go/forebay/audit"
	"github.com/forebay-go/forebay/delivery"
)

// progressLine says how a run goes.
func progressLine(s *audit.Snapshot) string {
	parts := needWords(s.Unmet)
	var sent, refused uint64
	var late time.Duration
	for _, l := range s.Loads {
		sent, refused, late = sent+l.Sent, refused+l.Refused, max(late, l.Late)
	}
	if len(s.Loads) > 0 {
		parts = append(parts, fmt.Sprintf("sent %s, refused %s", count(sent), count(refused)))
	}
	if late > time.Second {
		parts = append(parts, fmt.Sprintf("%v behind the rate", late.Round(time.Second)))
	}
	if s.Report != nil {
		t := &s.Report.Total
		parts = append(parts, fmt.Sprintf("delivered %s, seen %s, lost %s, twice %s, "+
			"out of order %s, complete %s", count(t.Delivered), count(t.Seen), count(t.Lost),
			count(t.Unexplained), count(t.OutOfOrder), t.Percent()))
	}
	for i := range s.Brokers {
		if b := &s.Brokers[i]; b.State != audit.Well && b.State != audit.Starting {
			parts = append(parts, fmt.Sprintf("broker %d (%s) %s since %s", b.Broker, b.Host,
				b.State, b.Since.Format(time.TimeOnly)))
		}
	}
	return strings.Join(parts, "; ")
}

// needWords says what is missing, a text for each topic.
func needWords(unmet []audit.Need) (words []string) {
	for _, n := range unmet {
		words = append(words, n.String())
	}
	return words
}

// rightAligned returns a table of figures.
func rightAligned(out io.Writer) *tabwriter.Writer {
	return tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
}

// printAudit prints a result as tables, and what was found in words.
func printAudit(out io.Writer, result *auditResult) {
	for _, l := range result.Loads {
		fmt.Fprintf(out, "%s: sent %s, refused %s%s\n", l.Topic, count(l.Sent), count(l.Refused),
			because(l.LastFail))
	}
	printBrokers(out, result.Brokers)
	report := result.Report
	if report == nil {
		printStated(out, result)
		return
	}
	if len(result.Loads)+len(result.Brokers) > 0 {
		fmt.Fprintln(out)
	}
	table := rightAligned(out)
	fmt.Fprintln(table, "TOPIC\tBUCKET (UTC)\tINSTANCE\tSTARTED (UTC)\tNUMBERED\tDELIVERED\t"+
		"NOT DELIVERED\tSEEN\tLOST\tTWICE\tOUT OF ORDER\tOPEN\tCOMPLETE\t")
	for i := range report.Rows {
		row := &report.Rows[i]
		printRow(table, row.Topic, row.Bucket.String(), row.Instance, started(row.Started),
			&row.Counts)
	}
	printRow(table, "total", "", "", "", &report.Total)
	_ = table.Flush()
	for _, line := range findings(report) {
		fmt.Fprintln(out, line)
	}
	if result.Verdict != audit.Inconclusive { // else the last line has them
		for _, line := range needWords(result.Unmet) {
			fmt.Fprintln(out, line)
		}
	}
	fmt.Fprintf(out, "\n%s\n", result.Why)
}

// printStated prints the end of an instance that only produces.
func printStated(out io.Writer, result *auditResult) {
	switch {
	case result.Why != "":
		fmt.Fprintf(out, "\n%s\n", result.Why)
	case result.Source != nil:
		fmt.Fprintf(out, "stated what became of %s\n", countOf(result.Source.Stamped, "record"))
	}
}

// printBrokers prints how the heartbeats of each broker are.
func printBrokers(out io.Writer, brokers []audit.BrokerReport) {
	if len(brokers) == 0 {
		return
	}
	table := rightAligned(out)
	fmt.Fprintln(table, "BROKER\tHOST\tSTATE\tPARTITION\tSENT\tFAILED\tACK MEDIAN\tACK LONGEST\t"+
		"READ MEDIAN\tREAD LONGEST\t")
	for i := range brokers {
		b := &brokers[i]
		if len(b.Partitions) == 0 {
			fmt.Fprintf(table, "%d\t%s\t%s\t\t\t\t\t\t\t\t\n", b.Broker, b.Host, b.State)
		}
		for _, p := range b.Partitions {
			fmt.Fprintf(table, "%d\t%s\t%s\t%d\t%s\t%s\t%v\t%v\t%v\t%v\t\n", b.Broker, b.Host,
				b.State, p.Partition, count(p.Sent), count(p.Failed), short(p.Acknowledged.Median),
				short(p.Acknowledged.Longest), short(p.Read.Median), short(p.Read.Longest))
		}
	}
	_ = table.Flush()
}

// short rounds a duration for people.
func short(d time.Duration) time.Duration {
	if d > time.Second {
		return d.Round(10 * time.Millisecond)
	}
	return d.Round(10 * time.Microsecond)
}

func because(failure string) string {
	if failure == "" {
		return ""
	}
	return ", last because: " + failure
}

// started writes when a run began. It tells the runs of an instance apart.
func started(at time.Time) string { return at.UTC().Format("01-02 15:04:05") }

func printRow(table io.Writer, topic, bucket, instance, start string, c *audit.Counts) {
	fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", topic, bucket,
		instance, start, count(c.Numbered), count(c.Delivered),
		count(c.Shed+c.Expired+c.Rejected+c.Refused+c.PossiblyPersisted), count(c.Seen),
		count(c.Lost), count(c.Unexplained), count(c.OutOfOrder),
		count(c.Open()), c.Percent())
}

// findings says in words what the table does not.
func findings(report *audit.Report) (lines []string) {
	for i := range report.Rows {
		lines = append(lines, rowFindings(&report.Rows[i])...)
	}
	t := &report.Total
	for _, f := range []struct {
		n    uint64
		text string
	}{
		{t.Skipped, "delivered and not read: retention had deleted them, or they are older than " +
			"where reading began"},
		{t.Elsewhere, "in another cluster than the one that is read"},
		{t.Persisted, "possibly persisted, and found in the log"},
		{t.NotPersisted, "possibly persisted, and not in the log"},
		{t.Explained, "there twice, as their producer has counted (maybe duplicated)"},
	} {
		if f.n > 0 {
			lines = append(lines, count(f.n)+" "+f.text)
		}
	}
	reasons := make([]delivery.Reason, 0, len(t.Reasons))
	for reason := range t.Reasons {
		reasons = append(reasons, reason)
	}
	slices.Sort(reasons)
	for _, reason := range reasons {
		lines = append(lines, fmt.Sprintf("%s not delivered: %v", count(t.Reasons[reason]), reason))
	}
	if t.Refused > 0 {
		lines = append(lines, count(t.Refused)+" refused by Send")
	}
	return append(lines, presenceFindings(report)...)
}

// rowFindings says what is wrong in one row.
func rowFindings(row *audit.Row) (lines []string) {
	at := fmt.Sprintf("%s, %s, instance %s started %s", row.Topic, row.Bucket, row.Instance,
		started(row.Started))
	say := func(n uint64, text string) {
		if n > 0 {
			lines = append(lines, fmt.Sprintf("%s: %s %s", at, count(n), text))
		}
	}
	say(row.Lost, "lost: Kafka has acknowledged them, and they are not in the log")
	say(row.Unexplained, "there twice, and their producer has not sent them twice")
	say(row.OutOfOrder, "behind a later record of their key")
	say(row.Contradicted, "in the log, though their producer has called them lost")
	if row.Before {
		say(row.Stranded, "without a statement: the instance fell silent before this run began, "+
			"so they are not part of its verdict")
	} else {
		say(row.Stranded, "without a statement: the instance fell silent, and nobody knows what "+
			"became of them")
	}
	if len(row.Examples) > 0 {
		lines = append(lines, fmt.Sprintf("%s: such as the sequences %v of run %016x", at,
			row.Examples, row.Run))
	}
	return lines
}

// presenceFindings says who does not speak any more.
func presenceFindings(report *audit.Report) (lines []string) {
	for _, who := range []struct {
		kind string
		list []audit.Presence
	}{{"instance", report.Sources}, {"reader", report.Readers}} {
		for i := range who.list {
			p := &who.list[i]
			if p.Silent {
				lines = append(lines, fmt.Sprintf("%s %s is silent: it has stated nothing for %v, "+
					"and did not say that it ends", who.kind, named(p), p.Quiet.Round(time.Second)))
			}
			if p.Unstated > 0 {
				lines = append(lines, fmt.Sprintf("%s %s could not state what became of %s",
					who.kind, named(p), countOf(p.Unstated, "record")))
			}
		}
	}
	return lines
}

// strandedWords names the instances that left records without a statement.
func strandedWords(report *audit.Report) (text string) {
	for i := range report.Rows {
		if row := &report.Rows[i]; row.Stranded > 0 && !row.Before {
			text += fmt.Sprintf("; instance %s started %s fell silent, and has not stated what "+
				"became of %s of %s", row.Instance, started(row.Started),
				countOf(row.Stranded, "record"), row.Topic)
		}
	}
	return text
}

// named names an instance and its run, or a reader.
func named(p *audit.Presence) string {
	if p.Started.IsZero() {
		return p.Name
	}
	return p.Name + " started " + started(p.Started)
}

// verdictWords says what a result comes to, and why.
func verdictWords(result *auditResult) string {
	words := "inconclusive: "
	if r := result.Report; r == nil || r.Verdict() == audit.Whole && result.Verdict != audit.Whole {
		words += statedWords(result.Source)
	} else {
		words = reportWords(r)
	}
	if result.Verdict == audit.Inconclusive && len(result.Unmet) > 0 {
		words += ": " + strings.Join(needWords(result.Unmet), "; ")
	}
	return words
}

// statedWords says what a source has not stated.
func statedWords(s *audit.SourceStats) string {
	var parts []string
	say := func(n uint64, text string) {
		if n > 0 {
			parts = append(parts, countOf(n, "record")+" "+text)
		}
	}
	say(s.Open, "without an outcome")
	say(s.Unsaid, "with an outcome that was not stated")
	say(s.Unstated, "whose outcome cannot be stated")
	if len(parts) == 0 {
		parts = append(parts, "the end of the instance was not stated")
	}
	return fmt.Sprintf("of %s that got a number: %s", countOf(s.Stamped, "record"),
		strings.Join(parts, ", "))
}

// reportWords says what a report comes to.
func reportWords(report *audit.Report) string {
	switch report.Verdict() {
	case audit.Whole:
		if n := report.Total.Open(); n > 0 {
			return fmt.Sprintf("whole so far: each delivered record is in the log, once, and in "+
				"order; %s are on their way", count(n))
		}
		if before, _ := report.Stranded(); before > 0 {
			return fmt.Sprintf("whole: each delivered record is in the log, once, and in order; "+
				"%s of instances that fell silent before this run are left out",
				countOf(before, "record"))
		}
		return "whole: each delivered record is in the log, once, and in order"
	case audit.Faulty:
		return "faulty: see above"
	}
	if report.Total.Numbered == 0 {
		return "inconclusive: no audited record was stated"
	}
	if n := report.Open() + report.Total.Skipped + report.Total.Elsewhere; n > 0 {
		return "inconclusive: nothing is decided about " + countOf(n, "record") +
			strandedWords(report)
	}
	return "inconclusive: instances could not state what became of all records"
}
