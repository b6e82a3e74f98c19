package picture

import (
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"

	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
)

// memory draws what an instance holds while an outage lasts, by priority.
func memory(p *fleet.Plan) (*plot.Plot, error) {
	drawn := newPlot("Memory of one instance in an outage", "minutes", "MiB")
	for i, line := range held(p) {
		name := "all"
		if i < len(p.Lanes) {
			name = p.Lanes[i].Priority
		}
		if err := addLine(drawn, name, i, line); err != nil {
			return nil, err
		}
	}
	buffer := float64(p.Fleet().Settings.BufferBytes) / (1 << 20)
	return drawn, addLimit(drawn, "buffer", 0, longest(p).Minutes(), buffer)
}

// longest returns the end of the axis: twice the outage.
func longest(p *fleet.Plan) time.Duration { return max(2*p.Fleet().Outage, time.Minute) }

// held returns MiB by minutes, for each priority and, in the end, for all of them.
func held(p *fleet.Plan) []plotter.XYs {
	lines := make([]plotter.XYs, len(p.Lanes)+1)
	add := func(i int, lasts time.Duration, bytes float64) {
		lines[i] = append(lines[i], plotter.XY{X: lasts.Minutes(), Y: bytes / (1 << 20)})
	}
	for step := range steps + 1 {
		lasts := longest(p) * time.Duration(step) / steps
		sum := 0.0
		for i, h := range p.With(func(f *fleet.Fleet) { f.Outage = lasts }).Outage.Lanes {
			sum += h.Kept
			add(i, lasts, h.Kept)
		}
		add(len(p.Lanes), lasts, sum)
	}
	return lines
}
