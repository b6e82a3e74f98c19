package report

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// bars are the bars of one client, at one place in each case: the median, and a line from the least
// to the most. Those of the plotting library stand on zero, which a logarithmic scale does not
// have.
type bars struct {
	figures []Spread // of the cases
	offset  vg.Length
	floor   float64
	color   color.Color
}

// Plot draws the bars. It is a plot.Plotter's.
func (b *bars) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for i, figures := range b.figures {
		sorted := figures.sorted()
		if len(sorted) == 0 || sorted[0] <= 0 { // zero has no place on the scale
			continue
		}
		middle := x(float64(i)) + b.offset
		left, right := middle-vg.Points(barWidth)/2, middle+vg.Points(barWidth)/2
		bottom, top := y(b.floor), y(figures.Median())
		c.FillPolygon(b.color, []vg.Point{{X: left, Y: bottom}, {X: left, Y: top},
			{X: right, Y: top}, {X: right, Y: bottom}})
		c.StrokeLine2(draw.LineStyle{Color: color.Black, Width: vg.Points(0.7)}, middle,
			y(sorted[0]), middle, y(sorted[len(sorted)-1]))
	}
}

// Thumbnail draws the client's colour. It is a plot.Thumbnailer's.
func (b *bars) Thumbnail(c *draw.Canvas) {
	c.FillPolygon(b.color, []vg.Point{c.Min, {X: c.Min.X, Y: c.Max.Y}, c.Max,
		{X: c.Max.X, Y: c.Min.Y}})
}

// bounds returns the ends of a logarithmic axis for a figure: powers of ten.
func bounds(cases []*table, column string) (least, most float64) {
	least, most = math.Inf(1), math.Inf(-1)
	for _, t := range cases {
		for _, figures := range t.figures {
			for _, v := range figures[column] {
				if v > 0 {
					least, most = min(least, v), max(most, v)
				}
			}
		}
	}
	if math.IsInf(least, 1) {
		return 1, 10
	}
	power := func(v float64, round func(float64) float64) float64 {
		return math.Pow(10, round(math.Log10(v)))
	}
	least, most = power(least, math.Floor), power(most, math.Ceil)
	if least == most {
		most *= 10
	}
	return least, most
}
