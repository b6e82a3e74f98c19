//go:build !soak && unix

package audit_test

// How much is sent, and done to Kafka meanwhile: make soak has more of it.
const (
	plantedAmong    = 200_000
	rollingRestarts = 1
	auditorCrashes  = 3
)
