//go:build soak

package producer_test

import "time"

const resolverOutage = time.Minute
