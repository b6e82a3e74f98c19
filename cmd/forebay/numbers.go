package main

import (
	"fmt"
	"math"

	"github.com/dustin/go-humanize"
)

// count returns n with commas, as in "1,234".
func count(n uint64) string { return humanize.Comma(int64(n)) }

// perSecond returns a rate as a whole number with commas.
func perSecond(rate float64) string { return humanize.Comma(int64(math.Round(rate))) }

// plural returns "1 mistake" or "2 mistakes".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// countOf returns "1 record" or "1,234 records".
func countOf(n uint64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}
