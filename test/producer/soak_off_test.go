//go:build !soak

package producer_test

import "time"

// resolverOutage is how long names do not resolve while brokers restart.
const resolverOutage = 20 * time.Second
