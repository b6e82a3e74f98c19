//go:build soak

package producer_test

import "time"

const resolverOutage = time.Minute

// herdSize is how many producers meet a cluster of herdBrokers that returns.
const (
	herdSize    = 10_000
	herdBrokers = 3
)
