package report

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// Charts draws a chart of each measurement that has samples into dir, a folder below root, and
// returns their files, as seen from root, by the measurements' names.
func Charts(root, dir string, measured []Measured) (map[string]string, error) {
	files := make(map[string]string)
	for i := range measured {
		m := &measured[i]
		cases := tables(m.Samples)
		column, ok := m.charted()
		if len(cases) == 0 || !ok {
			continue
		}
		file := filepath.Join(dir, m.Name+".png")
		if err := chart(filepath.Join(root, file), m.Title, column, cases); err != nil {
			return nil, fmt.Errorf("draw %s: %w", file, err)
		}
		files[m.Name] = file
	}
	return files, nil
}

// charted returns the first key column.
func (m *Measure) charted() (Column, bool) {
	at := slices.IndexFunc(m.Columns, func(c Column) bool { return c.Key })
	if at < 0 {
		return Column{}, false
	}
	return m.Columns[at], true
}

// The measures of a chart.
const (
	barWidth    = 9  // points
	gap         = 3  // bars, between cases
	legendWidth = 90 // points
	chartHeight = 11 * vg.Centimeter
)

// chart draws a bar for each client of each case: the median over the rounds. The scale is
// logarithmic, as clients differ by orders of magnitude.
func chart(file, title string, column Column, cases []*table) error {
	var clients []string
	for _, t := range cases {
		for _, c := range t.clients {
			if !slices.Contains(clients, c) {
				clients = append(clients, c)
			}
		}
	}
	slices.SortStableFunc(clients, func(a, b string) int { return place(a) - place(b) })
	p := plot.New()
	p.Title.Text = title
	p.Y.Label.Text = column.Title
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	p.Y.Min, p.Y.Max = bounds(cases, column.Name)
	p.Legend.Top = true
	for i, client := range clients {
		own := &bars{color: plotutil.Color(i),
			offset: vg.Points(barWidth * (float64(i) - float64(len(clients)-1)/2)), floor: p.Y.Min}
		for _, t := range cases {
			own.figures = append(own.figures, t.figures[client][column.Name])
		}
		p.Add(own)
		p.Legend.Add(client, own)
	}
	var names []string
	for _, t := range cases {
		names = append(names, t.name)
	}
	p.NominalX(names...)
	caseWidth := float64((len(clients) + gap) * barWidth)
	p.X.Min, p.X.Max = -0.6, float64(len(cases))-0.4+legendWidth/caseWidth
	p.X.Tick.Label.Rotation, p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = math.Pi/7, -1, -0.5
	width := vg.Points((p.X.Max-p.X.Min)*caseWidth) + 2*vg.Centimeter // for the axis
	return p.Save(width, chartHeight, file)
}
