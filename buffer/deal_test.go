package buffer

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/partitioner"
)

// Dealing out stops where there is no room, and goes on later, perhaps for another number of
// partitions. Whatever is taken, given back, compressed and given up meanwhile: no record is lost,
// and those of a key keep their order.
func TestTopic_WhatIsDealtOutInStepsKeepsItsOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		lane := newTestLane(t, 1<<30, func(c *Config) { c.BatchBytes = 1 << 10 })
		topic := newTestTopic(t, lane)
		count, sent, out := int32(0), 0, 0
		last := map[byte]string{}
		requirePending := func() {
			requireCounted(rt, topic)
			require.EqualValues(rt, sent-out, booksOf(topic).Pending)
		}
		take := func(p int32) bool {
			b := topic.Take(Keyed, p, true)
			if b == nil {
				return false
			}
			require.Equal(rt, count, b.count, "it was dealt out")
			if rapid.IntRange(0, 3).Draw(rt, "comes back") == 0 {
				topic.Requeue(b)
				return true
			}
			require.NoError(rt, b.Each(func(_ int, r *Record, _ time.Duration) {
				require.Equal(rt, p, partitioner.ForKey(r.Key, count))
				require.Less(rt, last[r.Key[0]], string(r.Value), "the order of a key")
				last[r.Key[0]] = string(r.Value)
				out++
			}))
			topic.Resolve(b, delivery.Delivered, delivery.None, false)
			return true
		}
		deal := func(room int64) bool {
			b, left := topic.TakeUndealt()
			if b == nil {
				require.False(rt, left)
				return false
			}
			require.True(rt, left)
			before := lane.budget.Used()
			require.NoError(rt, topic.DealOut(b, count, room))
			require.LessOrEqual(rt, lane.budget.Used()-before, max(room, 2*batchOverhead))
			return true
		}
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			switch rapid.SampledFrom([]string{"send", "send", "send", "recount", "deal", "deal",
				"take", "compress", "give up"}).Draw(rt, "step") {
			case "send":
				for range rapid.IntRange(1, 30).Draw(rt, "records") {
					key := rapid.IntRange(0, 9).Draw(rt, "key")
					r := Record{Key: fmt.Append(nil, key),
						Value: fmt.Appendf(nil, "%d:%05d-%s", key, sent, make([]byte, 30))}
					require.NoError(rt, topic.Append(&r, Keyed, -1,
						time.Duration(sent)*10*time.Millisecond))
					sent++
				}
			case "recount":
				count = rapid.Int32Range(1, 7).Draw(rt, "count")
				topic.Postpone(topic.Recount(count)...)
			case "deal":
				if count > 0 {
					deal(rapid.Int64Range(0, 2000).Draw(rt, "room"))
				}
			case "take":
				if count > 0 {
					take(rapid.Int32Range(0, count-1).Draw(rt, "partition"))
				}
			case "compress":
				if b := topic.ClaimRaw(); b != nil {
					b.Compress(NoCodec)
				}
			case "give up":
				if b := lane.TakeOldest(); b != nil {
					out += b.Records()
					topic.Resolve(b, delivery.Shed, delivery.PreemptedByHigh, false)
				}
			}
			requirePending()
		}
		if count == 0 {
			count = 5
			topic.Postpone(topic.Recount(count)...)
		}
		for deal(roomy) {
		}
		for p := range count {
			for take(p) {
			}
		}
		require.Equal(rt, sent, out)
		require.Nil(rt, lane.waiting.head)
		require.Equal(rt, TableBytes(topic.name), lane.budget.Used())
	})
}

func TestTopic_WhatIsToBeDealtOutCanBeGivenUp(t *testing.T) {
	lane := newTestLane(t, 1<<30, func(c *Config) { c.BatchBytes = 1 << 10 })
	topic := newTestTopic(t, lane)
	topic.Recount(1)
	for i := range 100 {
		require.NoError(t, topic.Append(&Record{Key: fmt.Append(nil, i), Value: make([]byte, 100)},
			Keyed, -1, time.Duration(i)))
	}
	topic.Postpone(topic.Recount(3)...)
	require.NoError(t, topic.Append(&Record{Key: []byte("newer")}, Keyed, -1, 100))
	require.Nil(t, topic.Take(Keyed, partitioner.ForKey([]byte("newer"), 3), true),
		"older ones are to be dealt out")
	given := 0
	for b := topic.TakeOldest(); b != nil; b = topic.TakeOldest() {
		require.Equal(t, given < 100, b.count == 1, "the oldest first")
		given += b.Records()
		topic.Resolve(b, delivery.Shed, delivery.OverShare, false)
	}
	require.Equal(t, 101, given)
	require.Equal(t, TableBytes(topic.name), lane.budget.Used())
}
