package simulate

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What one connection does not need goes to the others.
func TestShare_EachGetsWhatItWantsUpToALevel(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		room  float64
		wants []float64
		level float64
	}{
		{100, []float64{80, 90}, 50},
		{100, []float64{10, 50, 80}, 45},
		{100, []float64{10, 30, 35, 80}, 30},
		{100, []float64{10, 20}, 50},
		{0, []float64{10}, 0},
	} {
		s := share{room: []float64{c.room}, level: make([]float64, 1)}
		s.begin([]int{len(c.wants)})
		for range levelRounds {
			below, above := 0.0, 0
			for _, want := range c.wants {
				if want <= s.level[0] {
					below += want
				} else {
					above++
				}
			}
			s.follow([]float64{below}, []int{above})
		}
		require.True(t, s.fixed)
		require.InDelta(t, c.level, s.level[0], 1e-9, "%+v", c)
	}
}
