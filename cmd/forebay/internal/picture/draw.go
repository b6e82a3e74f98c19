package picture

import (
	"fmt"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"

	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
	"github.com/forebay-go/forebay/cmd/forebay/internal/simulate"
)

const (
	width  = 16 * vg.Centimeter
	height = 9 * vg.Centimeter
	// headroom is what the legend needs above the curves.
	headroom = 1.35
)

// Draw writes all pictures of a plan into a folder, and returns their names. It makes the folder if
// it is missing. r is what was played; nil if nothing was.
func Draw(folder string, p *fleet.Plan, r *simulate.Result) ([]string, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	var names []string
	for _, picture := range []struct {
		name string
		draw func(*fleet.Plan) (*plot.Plot, error)
	}{{"requests.svg", requests}, {"processor.svg", processor},
		{"connections.svg", connections}, {"memory.svg", memory}} {
		drawn, err := picture.draw(p)
		if err == nil {
			drawn.Y.Max *= headroom
			err = drawn.Save(width, height, filepath.Join(folder, picture.name))
		}
		if err != nil {
			return names, fmt.Errorf("draw %s: %w", picture.name, err)
		}
		names = append(names, picture.name)
	}
	if r == nil {
		return names, nil
	}
	const name = "simulation.svg"
	if err := simulation(r, filepath.Join(folder, name)); err != nil {
		return names, fmt.Errorf("draw %s: %w", name, err)
	}
	return append(names, name), nil
}

// newPlot returns an empty plot whose vertical axis begins at zero.
func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, x, y
	for _, style := range []*text.Style{&p.Title.TextStyle, &p.X.Label.TextStyle,
		&p.Y.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label, &p.Legend.TextStyle} {
		style.Font.Variant = "Sans"
	}
	p.Title.Padding = vg.Points(8)
	p.Y.Min = 0
	p.Legend.Top = true
	p.Add(plotter.NewGrid())
	return p
}

// addLine adds a line with its name.
func addLine(p *plot.Plot, name string, color int, points plotter.XYs) error {
	line, err := plotter.NewLine(points)
	if err != nil {
		return err
	}
	line.Color, line.Width = plotutil.Color(color), vg.Points(1.5)
	p.Add(line)
	p.Legend.Add(name, line)
	return nil
}

// addLimit adds a dashed horizontal line.
func addLimit(p *plot.Plot, name string, from, to, at float64) error {
	line, err := plotter.NewLine(plotter.XYs{{X: from, Y: at}, {X: to, Y: at}})
	if err != nil {
		return err
	}
	line.Dashes = []vg.Length{vg.Points(5), vg.Points(3)}
	p.Add(line)
	p.Legend.Add(name, line)
	return nil
}

// addMark adds a dot where the plan is.
func addMark(p *plot.Plot, x, y float64) error {
	dot, err := plotter.NewScatter(plotter.XYs{{X: x, Y: y}})
	if err != nil {
		return err
	}
	dot.Radius, dot.Shape = vg.Points(4), plotutil.Shape(1)
	p.Add(dot)
	p.Legend.Add("as set", dot)
	return nil
}
