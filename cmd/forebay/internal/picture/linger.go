package picture

import (
	"strconv"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"

	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
)

// lingers are the settings that are compared.
var lingers = []time.Duration{time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond,
	10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond,
	200 * time.Millisecond, 500 * time.Millisecond}

// lingering returns the plan with another linger.
func lingering(p *fleet.Plan, linger time.Duration) *fleet.Plan {
	return p.With(func(f *fleet.Fleet) { f.Settings.Linger, f.Settings.MaxLinger = linger, 0 })
}

// requests draws the requests of a broker by the linger.
func requests(p *fleet.Plan) (*plot.Plot, error) {
	drawn := newPlot("Requests to one broker", "linger, ms", "requests/s")
	drawn.X.Scale, drawn.X.Tick.Marker = plot.LogScale{}, ticks{}
	var points plotter.XYs
	for _, linger := range lingers {
		points = append(points, plotter.XY{X: milliseconds(linger),
			Y: lingering(p, linger).Broker.Requests})
	}
	if err := addLine(drawn, "requests/s", 0, points); err != nil {
		return nil, err
	}
	set := milliseconds(p.Fleet().Settings.Linger)
	if len(p.Lanes) > 0 {
		set = 1000 * p.Lanes[0].Linger
	}
	return drawn, addMark(drawn, max(1, set), p.Broker.Requests)
}

// processor draws the processor time of a broker by the linger, and what it is for.
func processor(p *fleet.Plan) (*plot.Plot, error) {
	drawn := newPlot("Processor of one broker", "linger", "cores")
	parts := []struct {
		name string
		of   func(*fleet.Cores) float64
	}{
		{"base", func(c *fleet.Cores) float64 { return c.Base }},
		{"connections", func(c *fleet.Cores) float64 { return c.Connections }},
		{"bytes", func(c *fleet.Cores) float64 { return c.Bytes }},
		{"replication", func(c *fleet.Cores) float64 { return c.Replication }},
		{"batches", func(c *fleet.Cores) float64 { return c.Batches }},
		{"requests", func(c *fleet.Cores) float64 { return c.Requests }},
	}
	names := []string{"as set"}
	loads := []fleet.Cores{p.Broker.Cores}
	for _, linger := range lingers {
		names = append(names, linger.String())
		loads = append(loads, lingering(p, linger).Broker.Cores)
	}
	var below *plotter.BarChart
	for i, part := range parts {
		var values plotter.Values
		for j := range loads {
			values = append(values, part.of(&loads[j]))
		}
		bars, err := plotter.NewBarChart(values, vg.Points(22))
		if err != nil {
			return nil, err
		}
		bars.Color, bars.LineStyle.Width = plotutil.Color(i), 0
		if below != nil {
			bars.StackOn(below)
		}
		below = bars
		drawn.Add(bars)
		drawn.Legend.Add(part.name, bars)
	}
	drawn.NominalX(names...)
	drawn.X.Max += 2 // room for the legend
	return drawn, nil
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1000 }

// ticks are those of a logarithmic axis of milliseconds: 1, 2, 5, 10, ….
type ticks struct{}

// Ticks returns the ticks. It is a plot.Ticker's.
func (ticks) Ticks(least, most float64) (all []plot.Tick) {
	for _, linger := range lingers {
		if ms := milliseconds(linger); ms >= least && ms <= most {
			all = append(all, plot.Tick{Value: ms, Label: strconv.FormatFloat(ms, 'f', -1, 64)})
		}
	}
	return all
}
