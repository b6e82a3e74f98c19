//go:build !soak

package producer_test

import "time"

// resolverOutage is how long names do not resolve while brokers restart.
const resolverOutage = 20 * time.Second

// herdSize is how many producers meet a cluster of herdBrokers that returns.
const (
	herdSize    = 200
	herdBrokers = 12
)
