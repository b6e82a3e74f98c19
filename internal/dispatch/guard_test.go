package dispatch

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/partitioner"
)

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
	key := partitioner.ForKey([]byte("k"), 3)
	for _, c := range []struct {
		odd        odd
		key, batch int32
		told       []string
	}{
		{odd: odd{key: 1, batch: 2}, key: 1, batch: 2},
		{odd: odd{key: 0, batch: partitioner.Any}, key: 0, batch: partitioner.Any},
		{odd: odd{key: 3, batch: 3}, key: key, batch: partitioner.Any,
			told: []string{"ForKey returned partition 3 of 3",
				"ForBatch returned partition 3 of 3"}},
		{odd: odd{key: -1, batch: -2}, key: key, batch: partitioner.Any,
			told: []string{"ForKey returned partition -1 of 3",
				"ForBatch returned partition -2 of 3"}},
		{odd: odd{panics: true}, key: key, batch: partitioner.Any,
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
