//go:build unix

package kafkatest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConsoleConsume_PrintsWhatWasSent(t *testing.T) {
	c := Shared(t)
	topic := TopicName(t)
	c.CreateTopic(t, topic, 2)
	require.Empty(t, c.ConsoleConsume(t, topic))
	produce(t, c, topic, "one", "two", "three")
	got := c.ConsoleConsume(t, topic, "--property", "print.partition=true")
	var printed []string
	for line := range strings.Lines(got) {
		partition, value, ok := strings.Cut(strings.TrimSpace(line), "\t")
		require.True(t, ok, line)
		require.Contains(t, []string{"Partition:0", "Partition:1"}, partition)
		printed = append(printed, value)
	}
	require.ElementsMatch(t, []string{"one", "two", "three"}, printed)
}

// The answers are murmur2 of the keys as Kafka's own tests have it (UtilsTest), made positive,
// modulo the partitions.
func TestJavaPartitions_AgreesWithKafkasTests(t *testing.T) {
	hashes := map[string]int32{
		"21":                         -973932308,
		"foobar":                     -790332482,
		"a-little-bit-long-string":   -985981536,
		"a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
	}
	var keys [][]byte
	var want []int32
	for key, hash := range hashes {
		keys = append(keys, []byte(key))
		want = append(want, (hash&0x7fffffff)%7)
	}
	require.Equal(t, want, JavaPartitions(t, keys, 7))
}
