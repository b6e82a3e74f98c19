package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Spread is what a figure was in each round, by the number of the round.
type Spread map[int]float64

// Median returns the middle one, or the mean of the two in the middle.
func (s Spread) Median() float64 {
	sorted := s.sorted()
	if len(sorted) == 0 {
		return math.NaN()
	}
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// Over returns the ratios to other in the rounds that both have, but where other is zero.
func (s Spread) Over(other Spread) Spread {
	ratios := make(Spread)
	for round, value := range s {
		if by, ok := other[round]; ok && by != 0 {
			ratios[round] = value / by
		}
	}
	return ratios
}

// String shows the median, and the least and the most where there is more than one round.
func (s Spread) String() string {
	sorted := s.sorted()
	switch len(sorted) {
	case 0:
		return "–"
	case 1:
		return number(sorted[0])
	}
	return fmt.Sprintf("%s (%s–%s)", number(s.Median()), number(sorted[0]),
		number(sorted[len(sorted)-1]))
}

func (s Spread) sorted() []float64 {
	var all []float64
	for _, v := range s {
		all = append(all, v)
	}
	slices.Sort(all)
	return all
}

// number shows three digits, or all of a large whole number.
func number(v float64) string {
	if math.Abs(v) >= 100 {
		return thousands(strconv.FormatFloat(v, 'f', 0, 64))
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// thousands puts commas into digits.
func thousands(digits string) string {
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
