package fleet

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBatchRecords_AgreesWithCasesComputedByHand(t *testing.T) {
	require.Equal(t, 1.0, batchRecords(0, 10), "the first record alone")
	require.Equal(t, 1.0, batchRecords(100, 1), "one fits")
	// E[min(2, 1+N)] = 1 + P(N ≥ 1)
	require.InEpsilon(t, 2-math.Exp(-3), batchRecords(3, 2), 1e-12)
	// E[min(3, 1+N)] = 1 + P(N ≥ 1) + P(N ≥ 2)
	require.InEpsilon(t, 1+(1-math.Exp(-2))+(1-3*math.Exp(-2)), batchRecords(2, 3), 1e-12)
	require.InEpsilon(t, 11, batchRecords(10, 1000), 1e-9)
	require.InEpsilon(t, 500, batchRecords(10_000, 500), 1e-9)
	// E[max(0, 1000-N)] of mean 1000 is about sqrt(1000/2π)
	require.InEpsilon(t, 1001-math.Sqrt(1000/(2*math.Pi)), batchRecords(1000, 1001), 0.001)
	for most := 600.0; most < 800; most += 10 {
		require.InEpsilon(t, batchRecords(exactUpTo, most), batchRecords(exactUpTo+0.001, most),
			1e-4, "both ways agree where they meet")
	}
	require.InEpsilon(t, 5001, batchRecords(5000, 100_000), 1e-9)
	require.InEpsilon(t, 601, batchRecords(600, 100_000), 1e-9)
}

func TestFull_IsTheTailOfThePoissonDistribution(t *testing.T) {
	require.Zero(t, full(0, 1))
	require.InDelta(t, 0.5, full(100, 100), 0.02)
	require.Less(t, full(10, 1000), 1e-9)
	require.Greater(t, full(1000, 10), 1-1e-9)
}
