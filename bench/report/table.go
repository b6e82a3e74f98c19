package report

import (
	"fmt"
	"slices"
	"strings"
)

// Measure says how the samples of a measurement are shown.
type Measure struct {
	Name    string // of the samples
	Title   string
	About   string // how it is measured, in words
	Columns []Column
}

// Column is a figure of a measurement.
type Column struct {
	Name  string
	Title string
	Best  Best

	// Key has ratios beside it, and a place in the chart where it is the first.
	Key bool
}

// Best says which figures are good.
type Best int

// What is good.
const (
	Neither Best = iota
	Least
	Most
)

// alike is how far from 1 a ratio is no difference.
const alike = 0.005

// better reports whether a ratio of somebody's figure to another's says that the somebody's is
// better.
func (b Best) better(ratio float64) bool {
	return b == Least && ratio < 1-alike || b == Most && ratio > 1+alike
}

// The clients that ratios are taken to. The rows of the empty loop are compared with nobody.
const (
	ours    = "forebay"
	peer    = "franz-go"
	nothing = "nothing"
)

// table is one case of a measurement: for each client its figures in all rounds.
type table struct {
	name    string
	clients []string // in the order in which they came, ours first
	figures map[string]map[string]Spread
	notes   map[string][]string
}

// tables sorts samples by case, in the order in which they came.
func tables(samples []Sample) (all []*table) {
	for i := range samples {
		s := &samples[i]
		at := slices.IndexFunc(all, func(t *table) bool { return t.name == s.Case })
		if at < 0 {
			at = len(all)
			all = append(all, &table{name: s.Case, figures: make(map[string]map[string]Spread),
				notes: make(map[string][]string)})
		}
		all[at].add(s)
	}
	return all
}

func (t *table) add(s *Sample) {
	if !slices.Contains(t.clients, s.Client) {
		t.clients = append(t.clients, s.Client)
		slices.SortStableFunc(t.clients, func(a, b string) int { return place(a) - place(b) })
		t.figures[s.Client] = make(map[string]Spread)
	}
	for name, value := range s.Figures {
		if t.figures[s.Client][name] == nil {
			t.figures[s.Client][name] = make(Spread)
		}
		t.figures[s.Client][name][s.Round] = value
	}
	if s.Note != "" && !slices.Contains(t.notes[s.Client], s.Note) {
		t.notes[s.Client] = append(t.notes[s.Client], s.Note)
	}
}

// place is where a client stands in a table: ours, the peer, the others as they come, the empty
// loop.
func place(client string) int {
	switch {
	case client == ours:
		return 0
	case client == nothing:
		return 3
	case strings.HasPrefix(client, peer):
		return 1
	}
	return 2
}

// reference is whom the others are compared with beside ours: franz-go, by whichever of its calls
// was measured.
func (t *table) reference() string {
	if at := slices.IndexFunc(t.clients, func(c string) bool {
		return strings.HasPrefix(c, peer)
	}); at >= 0 {
		return t.clients[at]
	}
	return ""
}

// write writes t as Markdown, with the ratios of key columns, and says who is better than ours.
func (t *table) write(b *strings.Builder, m *Measure) {
	fmt.Fprintf(b, "### %s\n\n| client |", t.name)
	columns := t.columns(m)
	reference := t.reference()
	for _, c := range columns {
		fmt.Fprintf(b, " %s |", c.Title)
		if c.Key {
			fmt.Fprintf(b, " Forebay ÷ it |")
			if reference != "" {
				fmt.Fprintf(b, " it ÷ %s |", reference)
			}
		}
	}
	b.WriteString("\n|---|")
	for _, c := range columns {
		b.WriteString("---:|")
		if c.Key {
			b.WriteString("---:|")
			if reference != "" {
				b.WriteString("---:|")
			}
		}
	}
	b.WriteString("\n")
	for _, client := range t.clients {
		fmt.Fprintf(b, "| %s |", client)
		for _, c := range columns {
			own := t.figures[client][c.Name]
			fmt.Fprintf(b, " %v |", own)
			if c.Key {
				fmt.Fprintf(b, " %s |", t.ratio(ours, client, c.Name))
				if reference != "" {
					fmt.Fprintf(b, " %s |", t.ratio(client, reference, c.Name))
				}
			}
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
	for _, client := range t.clients {
		for _, note := range t.notes[client] {
			fmt.Fprintf(b, "- %s: %s\n", client, note)
		}
	}
	for _, line := range t.beaten(columns) {
		fmt.Fprintf(b, "- **%s**\n", line)
	}
	b.WriteString("\n")
}

// columns returns those of m for which there is a figure.
func (t *table) columns(m *Measure) (some []Column) {
	for _, c := range m.Columns {
		for _, client := range t.clients {
			if len(t.figures[client][c.Name]) > 0 {
				some = append(some, c)
				break
			}
		}
	}
	return some
}

// ratio shows the figure of one client divided by another's, round by round.
func (t *table) ratio(one, other, column string) string {
	if one == other || one == nothing || other == nothing {
		return ""
	}
	return t.figures[one][column].Over(t.figures[other][column]).String()
}

// beaten says where a peer is better than ours, by the median of the ratios.
func (t *table) beaten(columns []Column) (lines []string) {
	for _, c := range columns {
		for _, client := range t.clients {
			if client == ours || client == nothing || c.Best == Neither {
				continue
			}
			ratio := t.figures[client][c.Name].Over(t.figures[ours][c.Name])
			if c.Best.better(ratio.Median()) {
				lines = append(lines,
					fmt.Sprintf("%s is better than Forebay in %q: %v × its figure.", client,
						c.Title, ratio))
			}
		}
	}
	return lines
}
