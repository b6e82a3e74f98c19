package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
)

func TestStatus_SaysRateDeliveredWaitingAndTheStateOfTheCluster(t *testing.T) {
	for want, s := range map[string]status{
		"1,234,567 delivered, 45,210/s, 20 waiting, cluster up": {
			delivered: 1_234_567, rate: 45_210.4, waiting: 20, state: producer.Up,
			idle: stalled - 1},
		"cluster down: a:1: connection refused; 0 delivered, 0/s, 20 waiting": {
			waiting: 20, state: producer.Down, reason: "a:1:\n connection refused",
			idle: time.Hour},
		"cluster degraded: why; 0 delivered, 0/s, 20 waiting, 3 not delivered": {
			waiting: 20, lost: 3, state: producer.Degraded, reason: "why"},
		"0 delivered, 0/s, 20 waiting, cluster up, nothing delivered for 6s: topic plays: absent": {
			waiting: 20, state: producer.Up, idle: 6500 * time.Millisecond, topic: "plays",
			trouble: "absent"},
		"5 delivered, 0/s, 20 waiting, cluster up, nothing delivered for 6s": {
			delivered: 5, waiting: 20, state: producer.Up, idle: 6500 * time.Millisecond,
			topic: "plays"},
		"5 delivered, 0/s, 0 waiting, cluster up": {
			delivered: 5, state: producer.Up, idle: time.Hour, topic: "plays"},
	} {
		require.Equal(t, want, s.String())
	}
}
