//go:build unix

package producer_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/kafkatest"
)

// The log of each topic has what its own settings say.
func TestKafka_TopicsAreStoredByTheirOwnSettings(t *testing.T) {
	t.Parallel()
	c := kafkatest.Shared(t)
	base := kafkatest.TopicName(t)
	names := []string{base + ".plain", base + ".zstd", base + ".gzip"}
	for _, name := range names {
		c.CreateTopic(t, name, 3)
	}
	tr := try(t, to(c, func(cfg *producer.Config) {
		cfg.Batching.Compression = "lz4"
		cfg.Topics = []producer.TopicConfig{
			{Topic: names[0], Compression: "none", Acks: "leader", MaxBatchBytes: 2000},
			{Topic: base + ".z*", Compression: "zstd", CompressionLevel: 7},
			{Topic: names[2], Compression: "gzip", CompressionLevel: 9, Acks: "leader"},
		}
	}))
	const each = 2000
	for i := range each {
		for _, name := range names {
			rec := mixed(name)(i)
			rec.Value = value(100)
			tr.send(t, rec)
		}
	}
	tr.close(t)
	for i, codec := range []int{0, 4, 1} {
		log := c.Read(t, names[i])
		require.GreaterOrEqual(t, len(log), each)
		for _, r := range log {
			require.EqualValues(t, codec, r.Attrs.CompressionType(), names[i])
			require.Equal(t, i == 1, r.ProducerID >= 0, names[i])
		}
	}
}
