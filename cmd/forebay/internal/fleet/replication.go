package fleet

import "math"

// fetchTime is how long a follower takes from one fetch to the next, in seconds.
const fetchTime = 0.002

// Fetches returns how many fetches of followers one broker answers per second. It gets so many
// requests per second, each with so many batches for partitions with so many replicas.
//
// A fetch is answered as soon as there is something new. Of the other brokers, each fetches what it
// follows with one connection. A request has something for it with the probability
// 1-(1-(replicas-1)/others)^batches. It then fetches after 1/rate on average, and again fetchTime
// later.
func Fetches(requests, batches, replicas float64, brokers int) float64 {
	others := float64(brokers - 1)
	follows := min(1, (replicas-1)/max(1, others))
	if requests <= 0 || follows <= 0 {
		return 0
	}
	rate := requests * (1 - math.Pow(1-follows, max(1, batches)))
	return others * rate / (1 + rate*fetchTime)
}
