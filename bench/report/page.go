package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Page returns RESULTS.md. Charts are the files for measurements, by their names, relative to the
// page.
func Page(measured []Measured, charts map[string]string) string {
	b := new(strings.Builder)
	b.WriteString("# Forebay beside its peers\n\n<!-- Written by `make peers`. Nothing here is written by hand. -->\n\n")
	b.WriteString("Each client ran in a process of its own, one after the other in each round " +
		"where nothing else is said, against real Kafka on the same machine. " +
		"Figures are the median over the rounds, with the least and the most in parentheses. " +
		"Ratios are taken round by round. " +
		"Where a peer is better than Forebay by half a percent or more, the table says so.\n\n")
	var all []Sample
	for i := range measured {
		m := &measured[i]
		cases := tables(m.Samples)
		if len(cases) == 0 {
			continue
		}
		all = append(all, m.Samples...)
		fmt.Fprintf(b, "## %s\n\n%s\n\n", m.Title, m.About)
		m.writeRuns(b)
		if chart := charts[m.Name]; chart != "" {
			fmt.Fprintf(b, "![%s](%s)\n\n", m.Title, chart)
		}
		for _, t := range cases {
			t.write(b, &m.Measure)
		}
	}
	settings(b, all)
	return b.String()
}

func (m *Measured) writeRuns(b *strings.Builder) {
	for i := range m.Runs {
		m.Runs[i].write(b)
	}
	if len(m.Runs) > 0 {
		b.WriteString("\n")
	}
}

func (r *Run) write(b *strings.Builder) {
	fmt.Fprintf(b,
		"- %s, %s: %d cores, %s, %s; %s; Kafka %s; %s. The load average was %.2f when it began. `%s`\n", r.At.UTC().Format("2006-01-02 15:04 MST"),
		r.Took.Round(time.Second), r.Host.Cores, r.Host.CPU, r.Host.System, r.Host.Go, r.Host.Kafka, r.Host.Java, r.LoadAverage, r.Command)
	if r.LoadAverage > 1 {
		b.WriteString("  **Warning**: the machine was busy when this run began: do not trust " +
			"its figures.\n")
	}
	if r.Quick {
		b.WriteString("  **Warning**: this was a quick run, which shows that the bench works, " +
			"and no figures to quote.\n")
	}
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
	b.WriteString("## Settings\n\nWhat each client was told; all else was at its defaults. " +
		"Several values are those of several cases.\n\n")
	b.WriteString("| client | setting | value |\n|---|---|---|\n")
	for _, client := range slices.Sorted(maps.Keys(told)) {
		for _, key := range slices.Sorted(maps.Keys(told[client])) {
			values := slices.Sorted(slices.Values(told[client][key]))
			fmt.Fprintf(b, "| %s | %s | %s |\n", client, key, strings.Join(values, "; "))
		}
	}
}
