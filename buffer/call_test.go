package buffer

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/forebay-go/forebay/delivery"
)

// Whatever is done to the batches of records, each has the Call that it was sent with, or none, and
// all memory comes back.
func TestBatch_KeepsTheCallsOfItsRecords(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		lane := newTestLane(t, 1<<30, func(c *Config) {
			c.BatchBytes = 1 << 10
			c.Reports = rapid.Bool().Draw(rt, "reports")
		})
		topic := newTestTopic(t, lane)
		codec, err := NewCodec("lz4", 0)
		require.NoError(rt, err)
		calls, sent, told := map[int]bool{}, 0, 0
		var taken []*Batch
		take := func() bool {
			b := topic.TakeOldest()
			if b != nil {
				taken = append(taken, b)
			}
			return b != nil
		}
		resolve := func(b *Batch) {
			requireCalls(rt, b, calls)
			told += b.Records()
			topic.Resolve(b, delivery.Delivered, delivery.None, true)
			b.Release()
		}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			step := rapid.SampledFrom([]string{"send", "send", "recount", "compress", "take",
				"halve", "pick", "decompress", "requeue", "resolve"}).Draw(rt, "step")
			switch {
			case step == "send":
				for range rapid.IntRange(1, 20).Draw(rt, "records") {
					r := Record{Value: fmt.Appendf(nil, "%d %030d", sent, 0), Tag: uint64(sent)}
					if rapid.Bool().Draw(rt, "called") {
						r.Call, calls[sent] = sent, true
					}
					kind := Kind(rapid.IntRange(0, 1).Draw(rt, "kind"))
					if kind == Keyed {
						r.Key = fmt.Append(nil, sent%5)
					}
					require.NoError(rt, topic.Append(&r, kind, -1, time.Duration(sent)))
					sent++
				}
			case step == "recount":
				count := rapid.Int32Range(1, 3).Draw(rt, "count")
				for _, b := range topic.Recount(count) {
					require.NoError(rt, topic.DealOut(b, count, roomy))
				}
			case step == "compress":
				if b := topic.ClaimRaw(); b != nil {
					b.Compress(codec)
				}
			case step == "take":
				take()
			case len(taken) == 0:
			case step == "requeue":
				topic.Requeue(taken[0])
				taken = taken[1:]
			case step == "resolve":
				resolve(taken[0])
				taken = taken[1:]
			case step == "decompress":
				b, err := topic.Decompress(taken[0])
				require.NoError(rt, err)
				taken[0] = b
			case taken[0].Records() == 1:
			case step == "halve":
				halves, err := topic.Halve(taken[0])
				require.NoError(rt, err)
				taken = append(taken[1:], halves...)
			case step == "pick":
				those, others, err := topic.Pick(taken[0], map[int]bool{0: true})
				require.NoError(rt, err)
				taken = append(taken[1:], those, others)
			}
		}
		for take() {
		}
		for _, b := range taken {
			resolve(b)
		}
		require.Equal(rt, sent, told)
		require.Equal(rt, TableBytes(topic.name), lane.budget.Used())
	})
}

// requireCalls requires that the records of b that are in calls have their number as their Call,
// and no others have one.
func requireCalls(t require.TestingT, b *Batch, calls map[int]bool) {
	require.Equal(t, batchOverhead+b.memory(), b.Held())
	found, byIndex := 0, map[int]any{}
	b.EachCall(func(i int, tag uint64, born time.Duration, call any) {
		require.EqualValues(t, call, tag)
		require.EqualValues(t, call, born)
		byIndex[i] = call
	})
	require.Equal(t, len(byIndex) > 0, b.Called())
	require.NoError(t, b.Each(func(i int, r *Record, _ time.Duration) {
		var n int
		_, err := fmt.Sscan(string(r.Value), &n)
		require.NoError(t, err)
		require.Equal(t, byIndex[i], r.Call)
		if calls[n] {
			require.Equal(t, n, r.Call)
			found++
		}
	}))
	require.Len(t, byIndex, found)
}

func TestBatch_TheCallsOfItsRecordsCount(t *testing.T) {
	held := func(call any) int64 {
		topic := newTestTopic(t, newTestLane(t, 1<<30, func(c *Config) { c.Reports = false }))
		for range 100 {
			require.NoError(t, topic.Append(&Record{Value: []byte{1}, Call: call}, Unkeyed, -1, 0))
		}
		return topic.Held()
	}
	require.Equal(t, int64(128*callBytes), held(1)-held(nil))
	topic, r := newTestTopic(t, newTestLane(t, 1<<30)), Record{Value: make([]byte, 90), Call: 1}
	require.NoError(t, topic.AppendTight(&r, Unkeyed, -1, 0))
	require.Equal(t, SmallBatch(r.FramedSize()), topic.Held())
}
