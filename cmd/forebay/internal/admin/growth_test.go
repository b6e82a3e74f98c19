package admin

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestPlace_UsesTheBrokersThatWereAdded(t *testing.T) {
	brokers := []node{{1, "a"}, {2, "b"}, {3, "c"}, {4, "a"}, {5, "b"}, {6, "c"}}
	plan, err := place([]shape{{"x", 3, 2}, {"y", 6, 3}}, 3, []int32{4, 5, 6}, brokers)
	require.NoError(t, err)
	require.Equal(t, []Partition{
		{"x", 3, []int32{4, 5}}, {"x", 4, []int32{6, 4}}, {"x", 5, []int32{5, 6}},
		{"y", 6, []int32{4, 5, 6}}, {"y", 7, []int32{5, 4, 6}}, {"y", 8, []int32{6, 4, 5}},
	}, plan)

	plan, err = place([]shape{{"x", 1, 3}}, 1, []int32{4}, brokers)
	require.NoError(t, err)
	require.Equal(t, []Partition{{"x", 1, []int32{4, 2, 3}}}, plan,
		"where one is not enough, in racks that have none")

	_, err = place([]shape{{"x", 1, 7}}, 1, []int32{4}, brokers)
	require.EqualError(t, err, "topic x has 7 replicas, but the cluster has only 6 brokers")
	_, err = place(nil, 1, nil, brokers)
	require.Error(t, err)
}

func TestPlace_SpreadsEvenly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 9).Draw(t, "brokers")
		racks := rapid.SampledFrom([]string{"", "a"}).Draw(t, "rack")
		var brokers []node
		for i := range n {
			brokers = append(brokers, node{int32(i), racks})
		}
		on := rapid.Permutation(brokers).Draw(t, "on")[:rapid.IntRange(1, n).Draw(t, "added")]
		var ids []int32
		for _, b := range on {
			ids = append(ids, b.id)
		}
		var topics []shape
		for range rapid.IntRange(1, 5).Draw(t, "topics") {
			topics = append(topics, shape{"t", rapid.IntRange(1, 9).Draw(t, "partitions"),
				rapid.IntRange(1, n).Draw(t, "copies")})
		}
		add := rapid.IntRange(1, 9).Draw(t, "add")
		plan, err := place(topics, add, ids, brokers)
		require.NoError(t, err)
		require.Len(t, plan, add*len(topics))
		led := make(map[int32]int)
		for i, p := range plan {
			require.Len(t, p.Replicas, topics[i/add].copies)
			require.EqualValues(t, topics[i/add].partitions+i%add, p.Number)
			seen := make(map[int32]bool)
			for j, id := range p.Replicas {
				require.False(t, seen[id], "twice on a broker")
				seen[id] = true
				require.Equal(t, j < len(ids), slices.Contains(ids, id), "the added ones first")
			}
			led[p.Replicas[0]]++
		}
		least, most := len(plan), 0
		for _, id := range ids {
			least, most = min(least, led[id]), max(most, led[id])
		}
		require.LessOrEqual(t, most-least, 1, "leaders in turn")
	})
}
