package audit

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestOrder_FindsRecordsBehindALaterOneOfTheirKey(t *testing.T) {
	o := newOrder()
	see := func(sequence uint64, key string) bool {
		return o.broken(&Header{Sequence: sequence}, []byte(key), 1)
	}
	require.False(t, see(1, "a"))
	require.False(t, see(3, "a"))
	require.False(t, see(2, "b"), "another key")
	require.True(t, see(0, "a"))
	require.False(t, see(5, "a"))
	require.True(t, see(4, "a"))
	require.False(t, o.broken(&Header{Sequence: 0, Run: 7}, []byte("a"), 1), "another run")
}

// A batch was written again behind a later one of its keys. That is a finding of its own, even if
// another reader has read the first.
func TestLedger_CopiesAreNotOutOfOrder(t *testing.T) {
	s := newStory(t)
	s.claimAll(run{first: 0, n: 3, offset: 5, fate: fate{again: true}}, run{first: 3, n: 2, offset: 3},
		run{first: 5, n: 1, offset: 10})
	first, second := s.segment("a", 0, 0), s.segment("b", 0, 3)
	s.read(first, 0, 3)
	part := &tracked{segment: second, order: newOrder()}
	r := &Reader{partitions: map[partitionOf]*tracked{{"views", 0}: part}}
	for i, sequence := range []uint64{3, 4, 0, 1, 2, 3, 5, 4} {
		h := Header{Instance: s.source.id, Run: s.source.run, Sequence: sequence, Bucket: history,
			Ordered: true, Intended: time.Now()}
		r.see(part, &kgo.Record{Offset: int64(3 + i), Key: []byte("k"),
			Headers: []kgo.RecordHeader{{Key: HeaderKey, Value: h.AppendTo(nil)}}}, new(latency), time.Now())
	}
	s.add(second.encode())
	s.add(first.encode())
	c := s.judged()
	require.Equal(t, uint64(5), c.Copies)
	require.Equal(t, uint64(3), c.Explained)
	require.Equal(t, uint64(2), c.Unexplained)
	require.Zero(t, c.OutOfOrder)
}

func TestOrder_IsBounded(t *testing.T) {
	o := newOrder()
	for i := range 4 * keysOfOne {
		require.False(t, o.broken(&Header{Sequence: uint64(i)}, fmt.Append(nil, i), keysRemembered))
	}
	require.LessOrEqual(t, len(o.newest), keysOfOne)
}
