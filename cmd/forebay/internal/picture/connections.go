package picture

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"

	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
)

// steps is how many points a curve has.
const steps = 40

// connections draws the connections of a broker by max_brokers.
func connections(p *fleet.Plan) (*plot.Plot, error) {
	drawn := newPlot("Connections of one broker", "max_brokers", "connections")
	f := p.Fleet()
	var points plotter.XYs
	for i := 1; i <= steps; i++ {
		k := max(1, f.Brokers*i/steps)
		if n := len(points); n > 0 && points[n-1].X == float64(k) {
			continue
		}
		other := p.With(func(f *fleet.Fleet) { f.Settings.MaxBrokers = k })
		points = append(points, plotter.XY{X: float64(k), Y: other.Connections.Broker})
	}
	if err := addLine(drawn, "connections", 0, points); err != nil {
		return nil, err
	}
	err := addLimit(drawn, "limit", 1, float64(f.Brokers), p.Connections.Limit)
	if err != nil {
		return nil, err
	}
	return drawn, addMark(drawn, maxBrokers(&f), p.Connections.Broker)
}

// maxBrokers returns how many brokers max_brokers allows: all of them if it is negative.
func maxBrokers(f *fleet.Fleet) float64 {
	if f.Settings.MaxBrokers < 0 {
		return float64(f.Brokers)
	}
	return float64(min(f.Settings.MaxBrokers, f.Brokers))
}
