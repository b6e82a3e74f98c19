package partitioner

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestRoundRobin_GivesEachOfThoseThatAreWellAsMany(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		well := rapid.SliceOfNDistinct(rapid.Int32Range(0, 20), 1, 10, rapid.ID).Draw(rt, "well")
		rounds := rapid.IntRange(1, 5).Draw(rt, "rounds")
		from := rapid.Uint64().Draw(rt, "from")
		count := make(map[int32]int)
		for i := range rounds * len(well) {
			// else it has begun anew, which takes a few hundred thousand years
			if n := from + uint64(i); n >= from {
				count[RoundRobin{}.ForBatch("t", n, well, 21)]++
			} else {
				return
			}
		}
		for _, p := range well {
			require.Equal(rt, rounds, count[p])
		}
	})
}

func TestRoundRobin_KeysAreAsEver(t *testing.T) {
	for _, p := range []Partitioner{Sticky{}, RoundRobin{}} {
		require.Equal(t, ForKey([]byte("k"), 7), p.ForKey("t", []byte("k"), 7))
	}
	require.Equal(t, Any, Sticky{}.ForBatch("t", 3, []int32{1}, 2))
}
