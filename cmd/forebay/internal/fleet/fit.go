package fleet

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// leastCores keeps loads that cost next to nothing from counting as much as others: they are
// measured in ticks.
const leastCores = 0.05

// Fit returns the coefficients that fit points best, by least squares of the relative errors, for a
// cluster of so many brokers. None of the coefficients is negative. It fills in the fetches of the
// points.
func Fit(brokers int, points []Point) (Coefficients, error) {
	c := Coefficients{Points: points, Late: late(points), Brokers: brokers, NoReplicas: true}
	measured := false
	for i := range points {
		p := &points[i]
		if p.Requests > 0 {
			each := p.Requests / float64(brokers)
			p.Fetches = float64(brokers) *
				Fetches(each, p.Batches/p.Requests, float64(p.Replicas), brokers)
		}
		c.NoReplicas = c.NoReplicas && p.Fetches == 0
		measured = measured || p.Cores > 0
	}
	if !measured {
		c.NoProcessor = true
		return c, nil
	}
	solved, err := leastSquares(brokers, points)
	if err != nil {
		return c, fmt.Errorf("the loads do not tell requests, batches, bytes and connections "+
			"apart: %w", err)
	}
	c.Base, c.PerRequest, c.PerBatch, c.PerFetch, c.PerMegabyte, c.PerConnection = solved[0],
		solved[1], solved[2], solved[3], solved[4], solved[5]
	return c, nil
}

// factors is how many coefficients leastSquares looks for: of a broker, a request, a batch, a
// fetch, a megabyte and a connection.
const factors = 6

// row returns what each coefficient is a factor of, in a cluster of so many brokers.
func (p *Point) row(brokers int) [factors]float64 {
	return [factors]float64{float64(brokers), p.Requests, p.Batches, p.Fetches,
		p.Megabytes * float64(max(1, p.Replicas)), p.Connections}
}

// Fitted returns the processor time that c has for the load of a point.
func (c *Coefficients) Fitted(p *Point) (sum float64) {
	own := [factors]float64{c.Base, c.PerRequest, c.PerBatch, c.PerFetch, c.PerMegabyte,
		c.PerConnection}
	for i, amount := range p.row(max(1, c.Brokers)) {
		sum += own[i] * amount
	}
	return sum
}

// leastSquares returns the coefficients in the order of row. What no load has, and what would be
// negative, is left out, and is zero.
func leastSquares(brokers int, points []Point) (solved [factors]float64, err error) {
	var used []int
	for column := range factors {
		if slices.ContainsFunc(points, func(p Point) bool { return p.row(brokers)[column] > 0 }) {
			used = append(used, column)
		}
	}
	for len(used) > 0 {
		x, err := solve(brokers, points, used)
		if err != nil {
			return solved, err
		}
		least := 0
		for j := range used {
			if x.AtVec(j) < x.AtVec(least) {
				least = j
			}
		}
		if x.AtVec(least) < 0 {
			used = slices.Delete(used, least, least+1)
			continue
		}
		for j, column := range used {
			solved[column] = x.AtVec(j)
		}
		return solved, nil
	}
	return solved, nil
}

// solve returns the factors of the columns in use that fit best.
func solve(brokers int, points []Point, used []int) (*mat.VecDense, error) {
	if len(points) < len(used) {
		return nil, errors.New("too few loads")
	}
	a := mat.NewDense(len(points), len(used), nil)
	b := mat.NewVecDense(len(points), nil)
	for i := range points {
		p := &points[i]
		weight := 1 / max(p.Cores, leastCores)
		row := p.row(brokers)
		for j, column := range used {
			a.Set(i, j, weight*row[column])
		}
		b.SetVec(i, weight*p.Cores)
	}
	x := new(mat.VecDense)
	return x, x.SolveVec(a, b)
}

// late returns how long after their linger batches leave: the median over the loads of 1/requests -
// 1/records - linger, for one producer. Loads with keys or with full batches tell something else.
func late(points []Point) float64 {
	var all []float64
	for _, p := range points {
		n := float64(p.Producers)
		if p.Keyed || p.Requests == 0 || p.Records == 0 || p.Linger == 0 ||
			p.Megabytes*1e6/p.Requests > 500_000 {
			continue
		}
		all = append(all, n/p.Requests-n/p.Records-p.Linger)
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return math.Max(0, all[len(all)/2])
}

// Predict returns the requests/s that the model has for the load of a point, with one topic.
func Predict(p *Point, brokers, partitions int, late float64) (float64, error) {
	f, err := Parse("point", fmt.Appendf(nil, "{instances: %d, brokers: %d, topics: "+
		"[{records_per_second: %f, record_bytes: %d, partitions: %d, keyed: %v, replicas: 1}], "+
		"settings: {linger: %fs, max_brokers: 0}}", p.Producers, brokers, p.Records, p.RecordBytes,
		partitions, p.Keyed, p.Linger))
	if err != nil {
		return 0, err
	}
	plan := compute(f, Coefficients{Late: late})
	return plan.Broker.Requests * float64(brokers), nil
}
