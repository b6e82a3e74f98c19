//go:build soak && unix

package audit_test

// How much is sent, and done to Kafka meanwhile.
const (
	plantedAmong    = 10_000_000
	rollingRestarts = 20
	auditorCrashes  = 9
)
