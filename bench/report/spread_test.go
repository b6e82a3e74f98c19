package report

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSpread_MedianAndEnds(t *testing.T) {
	require.Equal(t, 3.0, Spread{0: 9, 1: 1, 2: 3}.Median())
	require.Equal(t, 2.5, Spread{0: 1, 1: 2, 2: 3, 3: 9}.Median())
	require.True(t, math.IsNaN(Spread{}.Median()))
	require.Equal(t, "3 (1–9)", Spread{0: 9, 1: 1, 2: 3}.String())
	require.Equal(t, "1,234,567", Spread{0: 1234567}.String())
	require.Equal(t, "-1,234", Spread{0: -1234}.String())
	require.Equal(t, "-123", Spread{0: -123}.String())
	require.Equal(t, "–", Spread{}.String())
}

func TestSpread_RatiosAreOfTheSameRound(t *testing.T) {
	ours, theirs := Spread{0: 10, 1: 20, 2: 30}, Spread{0: 20, 1: 20, 3: 1}
	require.Equal(t, Spread{0: 0.5, 1: 1}, ours.Over(theirs))
	require.Empty(t, ours.Over(Spread{0: 0}))
}
