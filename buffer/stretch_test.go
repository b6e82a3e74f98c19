package buffer

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/forebay-go/forebay/delivery"
)

// What a batch may have raw is no larger than a full one when it is compressed as badly as the
// batch that was compressed worst of late.
func TestPacked_TheWorstOfLateCounts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var p packed
		require.Equal(rt, 1, p.times())
		for range rapid.IntRange(1, 20).Draw(rt, "batches") {
			raw := rapid.IntRange(leastLearned, 16<<20).Draw(rt, "raw")
			small := rapid.IntRange(1, raw).Draw(rt, "compressed")
			p.learn(raw, small)
			require.Contains(rt, []int{1, 2, 4}, p.times())
			require.LessOrEqual(rt, float64(p.times())*float64(small)/float64(raw), 1.0)
		}
		for range 50 {
			p.learn(1<<20, 200<<10)
		}
		require.Equal(rt, 4, p.times(), "what was long ago does not")
		p.learn(leastLearned-1, leastLearned-1)
		require.Equal(rt, 4, p.times(), "small ones do not")
	})
}

// sendPacked sends records to a partition until a batch is sealed, and returns that one
// compressed. Of each record so many of 1000 bytes cannot be compressed.
func sendPacked(t *testing.T, topic *Topic, kind Kind, random int) *Batch {
	t.Helper()
	for {
		r := Record{Key: []byte("k"), Value: make([]byte, 1000)}
		_, _ = rand.Read(r.Value[:random])
		require.NoError(t, topic.Append(&r, kind, 0, 0))
		if b := topic.ClaimRaw(); b != nil {
			b.Compress(topic.Config().Codec)
			require.Same(t, b, topic.Take(b.Kind(), b.Partition(), false))
			return b
		}
	}
}

func newStretched(t *testing.T, most int64) *Topic {
	codec, err := NewCodec("lz4", 0)
	require.NoError(t, err)
	topic := newTestTopic(t, newTestLane(t, most, func(c *Config) {
		c.BatchBytes, c.Codec = 64<<10, codec
	}))
	topic.Recount(1)
	return topic
}

func TestTopic_ABatchForAPartitionIsFullWhenItIsCompressed(t *testing.T) {
	for name, test := range map[string]struct {
		kind   Kind
		random int
		before func(*Topic)
		times  int
	}{
		"keyed":             {kind: Keyed, random: 150, times: 4},
		"explicit":          {kind: Explicit, random: 150, times: 4},
		"half":              {kind: Keyed, random: 400, times: 2},
		"an eighth is left": {kind: Keyed, random: 450, times: 1},
		"not compressed":    {kind: Keyed, random: 1000, times: 1},
		"any partition":     {kind: Unkeyed, random: 150, times: 1},
		"limited": {kind: Keyed, random: 150, times: 1,
			before: func(topic *Topic) { topic.Limit(1 << 20) }},
		"partition not known": {kind: Keyed, random: 150, times: 1,
			before: func(topic *Topic) { topic.Recount(0) }},
		"others have stretched": {kind: Keyed, random: 150, times: 1,
			before: func(topic *Topic) { topic.lane.budget.stretched.Store(8 << 20 / allStretched) }},
	} {
		t.Run(name, func(t *testing.T) {
			topic := newStretched(t, 8<<20)
			if test.before != nil {
				test.before(topic)
			}
			others := topic.lane.budget.stretched.Load()
			for i := range 5 {
				b := sendPacked(t, topic, test.kind, test.random)
				require.LessOrEqual(t, b.Size(), 64<<10)
				if i > 0 {
					require.InEpsilon(t, test.times*64<<10, b.RawSize(), 0.05)
				}
				topic.Resolve(b, delivery.Delivered, delivery.None, false)
			}
			topic.flush(NewWaiter())
			for b := topic.Take(test.kind, -1, true); b != nil; b = topic.Take(test.kind, -1, true) {
				topic.Resolve(b, delivery.Delivered, delivery.None, false)
			}
			topic.TakeAll()
			require.Equal(t, others, topic.lane.budget.stretched.Load(), "it is given back")
		})
	}
}

func TestTopic_OneStretchedBatchTakesASixteenthOfTheMemory(t *testing.T) {
	for most, times := range map[int64]int{4 << 20: 4, 3 << 20: 2, 1 << 20: 1} {
		topic := newStretched(t, most)
		for range 5 {
			raw := sendPacked(t, topic, Keyed, 0).RawSize()
			require.LessOrEqual(t, raw, times*64<<10)
		}
		require.InEpsilon(t, times*64<<10, sendPacked(t, topic, Keyed, 0).RawSize(), 0.05)
	}
}

func TestTopic_ALargeRecordHasABatchOfItsOwnAlsoWhereBatchesAreStretched(t *testing.T) {
	topic := newStretched(t, 8<<20)
	sendPacked(t, topic, Keyed, 0)
	r := Record{Key: []byte("k"), Value: make([]byte, 70<<10)}
	require.NoError(t, topic.Append(&r, Keyed, 0, 0))
	topic.flush(NewWaiter())
	b := topic.Take(Keyed, 0, true)
	for b.RawSize() < 64<<10 {
		b = topic.Take(Keyed, 0, true)
	}
	require.Equal(t, 1, b.Records())
}

func TestSurvey_SaysThatABatchMustBeCompressedFirst(t *testing.T) {
	topic := newStretched(t, 8<<20)
	sendPacked(t, topic, Keyed, 150)
	for range 100 {
		sendTTL(t, topic, Keyed, 0, time.Second)
		require.False(t, topic.Survey(nil)[0].Stretched)
	}
	r := Record{Key: []byte("k"), Value: make([]byte, 1000)}
	for topic.Survey(nil)[0].Bytes < 100<<10 {
		require.NoError(t, topic.Append(&r, Keyed, 0, time.Second))
	}
	require.False(t, topic.Survey(nil)[0].Stretched, "it is open")
	topic.flush(NewWaiter())
	require.True(t, topic.Survey(nil)[0].Stretched)
	b := topic.ClaimRaw()
	require.True(t, b.IsLarge() && !b.IsStretched())
	b.Compress(topic.Config().Codec)
	require.False(t, topic.Survey(nil)[0].Stretched)
	require.False(t, b.IsLarge())
}

// What must be compressed before it is sent comes before what only waits, and one partition leaves
// room to others.
func TestTopic_PartitionsHaveTheirFirstBatchesCompressedInTurns(t *testing.T) {
	topic := newStretched(t, 8<<20)
	sendPacked(t, topic, Keyed, 150)
	r := Record{Value: make([]byte, 1000)}
	for range 900 {
		require.NoError(t, topic.Append(&r, Unkeyed, -1, 0))
		require.NoError(t, topic.Append(&r, Keyed, 0, 0))
		for p := range int32(3) {
			require.NoError(t, topic.Append(&r, Explicit, p, 0))
		}
	}
	topic.flush(NewWaiter())
	for range 3 {
		seen := make(map[place]bool)
		for range 4 {
			b := topic.ClaimStretched()
			require.True(t, b.IsLarge())
			b.Compress(topic.Config().Codec)
			require.Same(t, b, topic.Take(b.Kind(), b.Partition(), false))
			seen[placeOf(b.Kind(), b.Partition(), 0)] = true
			defer topic.Resolve(b, delivery.Delivered, delivery.None, false)
		}
		require.Len(t, seen, 4, "it takes turns")
	}
}
