//go:build unix

package producer_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/kafkatest"
)

func TestKafka_F10_MakesTopicsThatAreNotThereIfAskedTo(t *testing.T) {
	t.Parallel()
	c := kafkatest.Shared(t)
	plain, impossible := kafkatest.TopicName(t), kafkatest.TopicName(t)
	making := func(ct producer.CreateTopicsConfig) producer.Config {
		return to(c, func(cfg *producer.Config) {
			cluster := cfg.Clusters["events"]
			cluster.CreateTopics = ct
			cfg.Clusters["events"] = cluster
		})
	}
	tr := try(t, making(producer.CreateTopicsConfig{Enabled: true, Partitions: 3,
		Configs: map[string]string{"retention.ms": "3600000"}}))
	for i := range 1000 {
		tr.send(t, mixed(plain)(i))
	}
	log := tr.settleOnce(t, c, plain)
	require.Len(t, perPartition(log), 3)

	tr = try(t, making(producer.CreateTopicsConfig{Enabled: true, ReplicationFactor: 7}))
	tr.send(t, mixed(impossible)(0))
	tr.await(t, "nothing says why the topic is not made", func(s *producer.Stats) bool {
		return len(s.Topics) == 1 && strings.Contains(s.Topics[0].Trouble,
			"could not be created: INVALID_REPLICATION_FACTOR")
	})
	c.CreateTopic(t, impossible, 1)
	tr.settleOnce(t, c, impossible)
}
