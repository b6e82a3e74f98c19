package partitioner

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"
)

// The known hashes are those of Kafka's own UtilsTest.testMurmur2.
func TestMurmur2_IsJavas(t *testing.T) {
	for key, hash := range map[string]int32{
		"21":                         -973932308,
		"foobar":                     -790332482,
		"a-little-bit-long-string":   -985981536,
		"a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	} {
		require.Equal(t, hash, int32(murmur2([]byte(key))), key)
	}
}

func TestForKey_IsThePartitionThatKgoChooses(t *testing.T) {
	other := kgo.StickyKeyPartitioner(nil).ForTopic("t")
	rapid.Check(t, func(rt *rapid.T) {
		key := rapid.SliceOf(rapid.Byte()).Draw(rt, "key")
		if key == nil {
			key = []byte{}
		}
		count := rapid.Int32Range(1, 1000).Draw(rt, "count")
		require.EqualValues(rt, other.Partition(&kgo.Record{Key: key}, int(count)),
			ForKey(key, count))
	})
}
