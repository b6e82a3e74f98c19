package buffer

import (
	"bytes"
	"hash/crc32"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// sums returns a topic whose batches are summed while they are written.
func sums(t require.TestingT) (*Pool, *Topic) {
	pool := NewPool(1<<20, 1<<20)
	lane := NewLane(Config{BatchBytes: 1 << 20, DeliveryTimeout: time.Hour, MaxTopics: 1,
		Outlet: func(string) *Outlet { return NewOutlet() }},
		NewBudget(64<<20), pool)
	topic, err := lane.Topic("events", 0)
	require.NoError(t, err)
	return pool, topic
}

func TestSum_IsThatOfTheBodyHoweverItCameAbout(t *testing.T) {
	zstd, err := NewCodec("zstd", 0)
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		codec := rapid.SampledFrom([]*Codec{NoCodec, zstd}).Draw(t, "codec")
		_, topic := sums(t)
		kind := rapid.SampledFrom([]Kind{Unkeyed, Keyed}).Draw(t, "kind")
		for i, size := range rapid.SliceOfN(rapid.IntRange(0, 40<<10), 1, 12).Draw(t, "sizes") {
			r := Record{Key: []byte{byte(i)}, Value: bytes.Repeat([]byte{byte(i), 7}, size/2)}
			require.NoError(t, topic.Append(&r, kind, -1, 0))
		}
		batches := topic.TakeAll()
		if kind == Keyed {
			count := rapid.Int32Range(1, 3).Draw(t, "partitions")
			for _, b := range batches { // they are dealt out, and joined
				require.NoError(t, topic.DealOut(b, count, 1<<30))
			}
			batches = topic.TakeAll()
		}
		for _, b := range batches {
			b.Compress(codec)
			require.Equal(t, crc32.Checksum(b.Body(), castagnoli), b.Sum())
			require.Equal(t, crc32.Checksum(b.Body(), castagnoli), b.Sum(), "again")
		}
	})
}

func TestBatch_ABodyThatIsLentIsNotUsedAgain(t *testing.T) {
	for _, lent := range []bool{false, true} {
		pool, topic := sums(t)
		require.NoError(t, topic.Append(&Record{Value: []byte("one")}, Unkeyed, -1, 0))
		b := topic.Take(Unkeyed, -1, true)
		if lent {
			b.Lent().Add(1)
		}
		b.Release()
		require.Equal(t, !lent, pool.Idle() > 0)
	}
}
