package partitioner

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPick_TheBrokerOfMostTopics(t *testing.T) {
	loads := []*Load{{ID: 1, Topics: 1}, {ID: 2, Topics: 5, Used: 9}, {ID: 3, Topics: 4}}
	require.EqualValues(t, 2, Pick(loads).ID)
}

func TestPick_AmongEqualsTheOneUsedLongestAgo(t *testing.T) {
	loads := []*Load{{ID: 1, Topics: 1}, {ID: 2, Topics: 1}, {ID: 3, Topics: 1}}
	var used []int32
	for tick := range uint64(6) {
		l := Pick(loads)
		l.Used = tick + 1
		used = append(used, l.ID)
	}
	require.Equal(t, []int32{1, 2, 3, 1, 2, 3}, used)
}

func TestPick_NobodyWhereNothingIsReady(t *testing.T) {
	require.Nil(t, Pick(nil))
	require.Nil(t, Pick([]*Load{{ID: 1}}))
}
