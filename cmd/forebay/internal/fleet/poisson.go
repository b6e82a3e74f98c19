package fleet

import "math"

// exactUpTo is the mean up to which the distribution is summed up, because e^-mean does not vanish.
// Above it, the normal distribution is as good.
const exactUpTo = 700

// batchRecords returns how many records a batch has on average that is sent when its first record
// has lingered or when it is full, whichever comes first. mean is the number of records that
// arrive in a linger, by a Poisson process; most is how many fit.
//
// It is E[min(most, 1+N)], summed up as P(N ≥ k) for k from 0 to most-1.
func batchRecords(mean, most float64) float64 {
	switch {
	case mean <= 0 || most <= 1:
		return 1
	case mean > exactUpTo:
		return most - shortfall(mean, most-1)
	case most > 3*exactUpTo:
		return 1 + mean // it is never full
	}
	exactly, least, sum := math.Exp(-mean), 1.0, 0.0 // P(N = k) and P(N ≥ k), for k = 0
	for k := 0.0; k < math.Floor(most); k++ {
		sum += least
		least = max(0, least-exactly)
		exactly *= mean / (k + 1)
	}
	return sum
}

// shortfall returns E[max(0, most-N)] where N is about normal.
func shortfall(mean, most float64) float64 {
	deviation := math.Sqrt(mean)
	z := (most - mean) / deviation
	return deviation * (z*normal(z) + math.Exp(-z*z/2)/math.Sqrt(2*math.Pi))
}

// full returns the probability that so many records or more arrive.
func full(mean, records float64) float64 {
	if mean <= 0 {
		return 0
	}
	return normal((mean - records + 0.5) / math.Sqrt(mean))
}

// normal is the standard normal distribution function.
func normal(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }
