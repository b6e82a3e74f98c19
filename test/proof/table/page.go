package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/forebay-go/forebay/test/proof"
)

const introduction = `# Reliability

Written by ` + "`make reliability`" + `, from what its tests have counted on %s (%s). Do not edit it.

Forebay promises that ` + "`Send`" + ` never waits, that memory stays bounded, that delivery resumes by itself when Kafka is back, and that
every record that was accepted has exactly one outcome, which is true: what was delivered was acknowledged by Kafka and is
there, what was shed, expired or rejected is not, and what may be there, or may be there twice, is counted as that. What
brokers lose after they have acknowledged it is their loss, and no producer's to see.

Each test below puts a fault between a producer and its Kafka, and shows by a count that the fault was there: connections
cut, error codes served, brokers killed. Every record carries its own number and a checksum. A ledger, which knows every call
of ` + "`Send`" + ` and every report, reads the log back with another client and compares all of it. Tests whose names begin with
TestKafka run on real brokers of Kafka 4.1, those that begin with TestVirtual on an embedded one, in virtual time, in which a day takes a second.
That the tests would notice a broken library is shown by [mutants](#mutants): libraries that were broken on purpose.

To repeat all of it: ` + "`make reliability`" + `. It takes Go, Java 17, Maven, and a good part of an hour.

`

const explored = `## Explored

The rules of numbers and ownership are explored, not sampled (` + "`TestVirtual_Explore`" + `). The whole producer, with a lane that has two
clusters, runs every sequence of steps of a given length in virtual time, and the logs judge each: what was delivered is there, what was
not is not, a duplicate was counted, keys keep their order, every record has one outcome, and in the end records are delivered again
within a minute. All sequences are run twice, the second time with brokers that take only the first epoch of a producer ID.

There are 47 steps. 38 send two records, with a key or without, and say what becomes of their request: answered; lost before the broker
saw it; its answer lost; late, so that the broker sees it when the client has long hung up; refused with one of seven codes; appended,
but answered with one of eight codes, six of which deny it. The others: the topic's table is freed, at three times; everything
expires; what is late arrives; the clusters change places; the fallback calls the topic something else; the topic is made again; all
connections are reset. ` + "`make test`" + ` runs all sequences of two steps, and those of three of the ten steps that matter most: 3,209,
twice. ` + "`make explore`" + ` runs one step more: 113,823, twice. In the library before this test it found a record that was lost when a
table was freed, records that were lost by answers that are not true, and renewals that were refused for ever.

Not explored: several topics, several partitions for a key, several brokers in a cluster; two requests in flight at once, except a late
one; compression; far brokers, with more than one stream; brokers that forget producers. The embedded broker has one epoch for a
producer ID where Kafka has one for each partition, so it refuses more than Kafka does. Random schedules, sieges and real brokers cover
these by chance.

`

// page returns the document.
func (s *seen) page() string {
	var p strings.Builder
	fmt.Fprintf(&p, introduction, s.when, s.where)
	s.writeFaults(&p)
	s.writeTests(&p)
	s.writeInvariants(&p)
	s.writeFigures(&p)
	p.WriteString(explored)
	s.writeSoak(&p)
	s.writeMutants(&p)
	return p.String()
}

// writeFaults writes the table of faults × invariants.
func (s *seen) writeFaults(p *strings.Builder) {
	p.WriteString("## Faults × invariants\n\nThe numbers below an [invariant](#invariants) say " +
		"how often it was checked while the fault was there; it was never broken.\nWhich " +
		"[test](#tests) injects what is told below.\n\n")
	p.WriteString("| fault | how it bit | tests |")
	for _, inv := range invariants {
		p.WriteString(" " + inv.id + " |")
	}
	p.WriteString("\n|---|---|---|" + strings.Repeat("--:|", len(invariants)) + "\n")
	for _, f := range faults {
		s.writeFault(p, f)
	}
	p.WriteString("\n")
}

func (s *seen) writeFault(p *strings.Builder, f row) {
	tests := s.of(f.id)
	fmt.Fprintf(p, "| **%s** %s |", f.id, cell(f.words))
	if len(tests) == 0 {
		why := "not covered by a test"
		if f.never != "" {
			why += " yet: " + f.never
		}
		p.WriteString(" " + why + " | |" + strings.Repeat(" |", len(invariants)) + "\n")
		return
	}
	var bits []proof.Bit
	checks := make(map[string]uint64)
	for _, t := range tests {
		bits = addBits(bits, t.bits)
		for id, n := range t.checks {
			checks[id] += n
		}
	}
	p.WriteString(" " + cell(foremost(bits)) + " | " + cell(places(tests)) + " |")
	for _, inv := range invariants {
		p.WriteString(" " + count(checks[inv.id]) + " |")
	}
	p.WriteString("\n")
}

// foremost tells the three bits of the highest counts.
func foremost(bits []proof.Bit) string {
	const most = 3
	slices.SortStableFunc(bits, func(a, b proof.Bit) int { return cmp.Compare(b.Times, a.Times) })
	text := list(bits[:min(most, len(bits))])
	if more := len(bits) - most; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

func list(bits []proof.Bit) string {
	var parts []string
	for _, b := range bits {
		parts = append(parts, count(uint64(b.Times))+" "+b.What)
	}
	return strings.Join(parts, "; ")
}

// places says how many of tests run where.
func places(tests []test) string {
	n := make(map[string]int)
	for _, t := range tests {
		n[t.place()]++
	}
	var parts []string
	for _, place := range []string{"real", "virtual", "other"} {
		if n[place] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[place], place))
		}
	}
	return strings.Join(parts, ", ")
}

// place says what Kafka t runs on.
func (t *test) place() string {
	switch {
	case strings.HasPrefix(t.name, "TestKafka"):
		return "real"
	case strings.HasPrefix(t.name, "TestVirtual"):
		return "virtual"
	}
	return "other"
}

// writeTests writes what each test has injected.
func (s *seen) writeTests(p *strings.Builder) {
	p.WriteString("## Tests\n\n| test | faults | how they bit |\n|---|---|---|\n")
	for _, t := range s.tests {
		fmt.Fprintf(p, "| `%s` in %s | %s | %s |\n", t.name, t.pkg, strings.Join(t.faults, ", "),
			cell(list(t.bits)))
	}
	p.WriteString("\n")
}

func (s *seen) writeInvariants(p *strings.Builder) {
	total := make(map[string]uint64)
	for _, t := range s.tests {
		for id, n := range t.checks {
			total[id] += n
		}
	}
	p.WriteString("## Invariants\n\n")
	for _, inv := range invariants {
		checked := "not checked yet"
		if n := total[inv.id]; n > 0 {
			checked = count(n) + " checks"
		}
		fmt.Fprintf(p, "- **%s** %s. (%s)\n", inv.id, inv.words, checked)
	}
	p.WriteString("\n")
}

// writeFigures writes what was measured, each figure of a test once: of several parts the extremes.
func (s *seen) writeFigures(p *strings.Builder) {
	p.WriteString("## Figures\n\n| figure | measured | test |\n|---|---|---|\n")
	for _, t := range s.tests {
		for i, f := range t.figures {
			if slices.ContainsFunc(t.figures[:i],
				func(g proof.Figure) bool { return g.Name == f.Name }) {
				continue
			}
			var values []string
			for _, g := range t.figures[i:] {
				if g.Name == f.Name {
					values = append(values, g.Value)
				}
			}
			// of virtual time, in which Send takes none
			if value := extremes(values); value != "0s" {
				fmt.Fprintf(p, "| %s | %s | `%s` |\n", cell(f.Name), cell(value), t.name)
			}
		}
	}
	p.WriteString("\n")
}

// extremes returns the lowest and the highest of values that are durations, and all different ones
// of others.
func extremes(values []string) string {
	var times []time.Duration
	for _, v := range values {
		if d, err := time.ParseDuration(v); err == nil {
			times = append(times, d)
		}
	}
	if len(times) < len(values) {
		slices.Sort(values)
		return strings.Join(slices.Compact(values), "; ")
	}
	if low, high := slices.Min(times), slices.Max(times); low != high {
		return fmt.Sprintf("%v – %v", low, high)
	}
	return times[0].String()
}

func (s *seen) writeSoak(p *strings.Builder) {
	p.WriteString("## Soak\n\n")
	if s.soak == "" {
		p.WriteString("None in this run: `make soak MINUTES=n` does random faults on real Kafka with three brokers.\n\n")
		return
	}
	p.WriteString("Random faults on real Kafka with three brokers, `make soak MINUTES=n`. Its last lines:\n\n```\n" + s.soak + "\n```\n\n")
}

func (s *seen) writeMutants(p *strings.Builder) {
	p.WriteString("## Mutants\n\n")
	if len(s.mutants) == 0 {
		p.WriteString("None in this run: `make mutants` breaks the library on purpose.\n")
		return
	}
	fmt.Fprintf(p,
		"`make mutants` breaks the library in %d ways, one at a time. Each time the named test must pass without the mutant, and fail with it,\nby the words that are given.\n\n", len(s.mutants))
	p.WriteString("| mutant | what is broken | the test that noticed | by | in " +
		"|\n|---|---|---|---|--:|\n")
	for _, m := range s.mutants {
		fmt.Fprintf(p, "| %s | %s | `%s` | %s | %.2f s |\n", cell(m.Name), cell(m.Broken), m.Test,
			cell(m.By), m.Took.Seconds())
	}
}

// count writes n with commas; nothing for 0.
func count(n uint64) string {
	if n == 0 {
		return ""
	}
	text := strconv.FormatUint(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// cell makes text fit into a cell of a table.
func cell(text string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ").Replace(text)
}
