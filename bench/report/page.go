package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Run is what has to be known of a run to read its figures.
type Run struct {
	At          time.Time
	Host        Machine
	Rounds      int
	Quick       bool // shorter than a figure deserves
	LoadAverage float64
	Took        time.Duration // the whole of it
	Command     string
}

// Machine is what it ran on, and with what.
type Machine struct {
	Cores  int
	CPU    string
	System string
	Go     string
	Kafka  string
	Java   string
}

// Page returns RESULTS.md. Charts are the files for measurements, by their names, relative to the page.
func Page(run *Run, measures []Measure, samples []Sample, charts map[string]string) string {
	b := new(strings.Builder)
	b.WriteString("# Forebay beside its peers\n\n<!-- Written by `make bench`. Nothing here is written by hand. -->\n\n")
	b.WriteString("Each client ran in a process of its own, one after the other in each round, against real Kafka on the same machine. " +
		"Figures are the median over the rounds, with the least and the most in parentheses. Ratios are taken round by round. " +
		"Where a peer is better than Forebay, the table says so.\n\n")
	run.write(b)
	for i := range measures {
		m := &measures[i]
		cases := tables(m.Name, samples)
		if len(cases) == 0 {
			continue
		}
		fmt.Fprintf(b, "## %s\n\n%s\n\n", m.Title, m.About)
		if chart := charts[m.Name]; chart != "" {
			fmt.Fprintf(b, "![%s](%s)\n\n", m.Title, chart)
		}
		for _, t := range cases {
			t.write(b, m)
		}
	}
	settings(b, samples)
	return b.String()
}

func (r *Run) write(b *strings.Builder) {
	if r.LoadAverage > 1 {
		fmt.Fprintf(b, "> **Warning**: the machine was busy when the run began (load average %.2f): do not trust these figures.\n\n", r.LoadAverage)
	}
	if r.Quick {
		b.WriteString("> **Warning**: this was a quick run, which shows that the bench works, and no figures to quote.\n\n")
	}
	for _, fact := range [][2]string{
		{"Date", r.At.UTC().Format("2006-01-02 15:04 MST")},
		{"Machine", fmt.Sprintf("%d cores, %s, %s", r.Host.Cores, r.Host.CPU, r.Host.System)},
		{"Go", r.Host.Go}, {"Kafka", r.Host.Kafka}, {"Java", r.Host.Java},
		{"Load average at the start", fmt.Sprintf("%.2f", r.LoadAverage)},
		{"Rounds", fmt.Sprint(r.Rounds)},
		{"It took", r.Took.Round(time.Second).String()},
		{"Command", "`" + r.Command + "`"},
	} {
		fmt.Fprintf(b, "- %s: %s\n", fact[0], fact[1])
	}
	b.WriteString("\n")
}

// settings writes what each client was told, with all values that a setting had in the run.
func settings(b *strings.Builder, samples []Sample) {
	told := make(map[string]map[string][]string)
	for _, s := range samples {
		for key, value := range s.Told {
			if told[s.Client] == nil {
				told[s.Client] = make(map[string][]string)
			}
			if values := told[s.Client][key]; !slices.Contains(values, value) {
				told[s.Client][key] = append(values, value)
			}
		}
	}
	if len(told) == 0 {
		return
	}
	b.WriteString("## Settings\n\nWhat each client was told; all else was at its defaults. Several values are those of several cases.\n\n")
	b.WriteString("| client | setting | value |\n|---|---|---|\n")
	for _, client := range slices.Sorted(maps.Keys(told)) {
		for _, key := range slices.Sorted(maps.Keys(told[client])) {
			values := slices.Sorted(slices.Values(told[client][key]))
			fmt.Fprintf(b, "| %s | %s | %s |\n", client, key, strings.Join(values, "; "))
		}
	}
}
