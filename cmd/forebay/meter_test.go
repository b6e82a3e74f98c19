package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMeter_IsTheMeanOfTheLastSeconds(t *testing.T) {
	var m meter
	start := time.Unix(0, 0)
	rate, idle := m.add(start, 0)
	require.Zero(t, rate)
	require.Zero(t, idle)
	for i := 1; i <= 100; i++ { // 1000 a second
		rate, idle = m.add(start.Add(time.Duration(i)*200*time.Millisecond), uint64(i)*200)
		require.InDelta(t, 1000, rate, 1e-6)
		require.Zero(t, idle)
	}
	for i := 101; i <= 125; i++ { // then nothing
		rate, idle = m.add(start.Add(time.Duration(i)*200*time.Millisecond), 20_000)
	}
	require.Zero(t, rate)
	require.Equal(t, 5*time.Second, idle)
	require.LessOrEqual(t, len(m.samples), 27)
}
