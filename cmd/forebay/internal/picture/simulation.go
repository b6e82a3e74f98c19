package picture

import (
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/forebay-go/forebay/cmd/forebay/internal/simulate"
)

// simulation draws what was played as curves over one another, with the same axis of time.
func simulation(r *simulate.Result, path string) error {
	column := make([][]*plot.Plot, len(panels))
	for i, p := range panels {
		drawn := newPlot(p.title, "", p.unit)
		if i == len(panels)-1 {
			drawn.X.Label.Text = "minutes"
		}
		for j, c := range p.curves {
			if err := addLine(drawn, c.name, j, curve(r, c.of)); err != nil {
				return err
			}
		}
		if drawn.Y.Max == 0 {
			drawn.Y.Max = 1
		}
		drawn.Y.Max *= headroom
		column[i] = []*plot.Plot{drawn}
	}
	return saveColumn(column, path)
}

// panel is one of the plots.
type panel struct {
	title, unit string
	curves      []drawnCurve
}

type drawnCurve struct {
	name string
	of   func(*simulate.Second) float64
}

var panels = []panel{
	{"Requests to one broker", "requests/s", []drawnCurve{
		{"average", func(s *simulate.Second) float64 { return s.Requests.Mean }},
		{"busiest", func(s *simulate.Second) float64 { return s.Requests.Most }}}},
	{"Processor of one broker", "cores", []drawnCurve{
		{"average", func(s *simulate.Second) float64 { return s.Cores.Mean }},
		{"busiest", func(s *simulate.Second) float64 { return s.Cores.Most }}}},
	{"Connections of one broker", "connections", []drawnCurve{
		{"average", func(s *simulate.Second) float64 { return s.Conns.Mean }},
		{"busiest", func(s *simulate.Second) float64 { return s.Conns.Most }}}},
	{"Attempts to connect to one broker", "attempts/s", []drawnCurve{
		{"average", func(s *simulate.Second) float64 { return s.Attempts.Mean }}}},
	{"Memory of one instance", "MiB", []drawnCurve{
		{"average", func(s *simulate.Second) float64 { return s.Memory.Mean / (1 << 20) }}}},
}

// curve returns a figure by minutes. Of many seconds it has the largest of some neighbours.
func curve(r *simulate.Result, of func(*simulate.Second) float64) (points plotter.XYs) {
	const most = 720
	size := (len(r.Timeline) + most - 1) / most
	for i := range r.Timeline {
		s := &r.Timeline[i]
		if i%size == 0 {
			points = append(points, plotter.XY{X: s.At / 60})
		}
		last := &points[len(points)-1]
		last.Y = max(last.Y, of(s))
	}
	return points
}

// saveColumn writes plots, one below the other.
func saveColumn(column [][]*plot.Plot, path string) (err error) {
	canvas := vgsvg.New(width, height*vg.Length(len(column))*0.6)
	tiles := vgdraw.Tiles{Rows: len(column), Cols: 1, PadY: vg.Points(12)}
	for i, row := range plot.Align(column, tiles, vgdraw.New(canvas)) {
		column[i][0].Draw(row[0])
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if closed := file.Close(); err == nil {
			err = closed
		}
	}()
	_, err = canvas.WriteTo(file)
	return err
}
