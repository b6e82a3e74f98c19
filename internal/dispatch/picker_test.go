package dispatch

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPick_TheOneThatHasWaitedLongest(t *testing.T) {
	loads := []*Load{{ID: 1, Ready: 9, Waited: 1}, {ID: 2, Ready: 1, Waited: 5},
		{ID: 3, Ready: 5, Waited: 4}}
	require.EqualValues(t, 2, Pick(loads).ID)
}

func TestPick_AmongEqualsTheLowestID(t *testing.T) {
	require.EqualValues(t, 2, Pick([]*Load{{ID: 4, Ready: 1, Waited: 3},
		{ID: 2, Ready: 1, Waited: 3}, {ID: 3, Ready: 1, Waited: 3}}).ID)
}

// A broker that leads three of four partitions gets three of four batches.
func TestPick_EachPartitionHasItsTurn(t *testing.T) {
	leaders := []int32{1, 1, 2, 1}
	used, got := make([]uint64, len(leaders)), make([]int, len(leaders))
	for tick := uint64(1); tick <= 40; tick++ {
		loads := map[int32]*Load{1: {ID: 1, Ready: 1}, 2: {ID: 2, Ready: 1}}
		oldest := make(map[int32]int)
		for p, leader := range leaders {
			if waited := tick - used[p]; waited > loads[leader].Waited {
				loads[leader].Waited, oldest[leader] = waited, p
			}
		}
		p := oldest[Pick([]*Load{loads[1], loads[2]}).ID]
		used[p] = tick
		got[p]++
	}
	require.Equal(t, []int{10, 10, 10, 10}, got)
}

func TestPick_NobodyWhereNothingIsReady(t *testing.T) {
	require.Nil(t, Pick(nil))
	require.Nil(t, Pick([]*Load{{ID: 1, Waited: 3}}))
}
