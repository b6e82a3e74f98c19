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

type odd struct {
	key, batch int32
	panics     bool
}

func (o odd) ForKey(string, []byte, int32) int32 { return o.choose(o.key) }

func (o odd) ForBatch(string, uint64, []int32, int32) int32 { return o.choose(o.batch) }

func (o odd) choose(p int32) int32 {
	if o.panics {
		panic("a partitioner's own mistake")
	}
	return p
}

func TestGuard_SurvivesAPartitionerThatIsWrong(t *testing.T) {
	key := ForKey([]byte("k"), 3)
	for _, c := range []struct {
		odd        odd
		key, batch int32
		told       []string
	}{
		{odd: odd{key: 1, batch: 2}, key: 1, batch: 2},
		{odd: odd{key: 0, batch: Any}, key: 0, batch: Any},
		{odd: odd{key: 3, batch: 3}, key: key, batch: Any,
			told: []string{"ForKey returned partition 3 of 3",
				"ForBatch returned partition 3 of 3"}},
		{odd: odd{key: -1, batch: -2}, key: key, batch: Any,
			told: []string{"ForKey returned partition -1 of 3",
				"ForBatch returned partition -2 of 3"}},
		{odd: odd{panics: true}, key: key, batch: Any,
			told: []string{"ForKey panicked: a partitioner's own mistake",
				"ForBatch panicked: a partitioner's own mistake"}},
	} {
		var told []string
		g := Guard(c.odd, func(what string) { told = append(told, what) })
		require.Equal(t, c.key, g.ForKey("t", []byte("k"), 3))
		require.Equal(t, c.batch, g.ForBatch("t", 0, []int32{0}, 3))
		require.Equal(t, c.told, told)
	}
}

func TestKeepToZone_WhileItHasHalfOfItsShare(t *testing.T) {
	for _, c := range []struct {
		near, partitions, zones int
		keep                    bool
	}{
		{near: 4, partitions: 12, zones: 3, keep: true},
		{near: 2, partitions: 12, zones: 3, keep: true},
		{near: 1, partitions: 12, zones: 3, keep: false},
		{near: 0, partitions: 12, zones: 3, keep: false},
		{near: 0, partitions: 0, zones: 0, keep: false},
		{near: 1, partitions: 1, zones: 3, keep: true},
		{near: 1, partitions: 3, zones: 3, keep: true},
		{near: 6, partitions: 12, zones: 1, keep: true},
	} {
		require.Equal(t, c.keep, KeepToZone(c.near, c.partitions, c.zones), "%+v", c)
	}
}
