//go:build unix

package kafkatest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
)

func TestTopic_IsSeenGrownAndGoneWhenTheCallReturns(t *testing.T) {
	c := Shared(t)
	name := TopicName(t)
	c.CreateTopic(t, name, 2, Replication(1), TopicConfig("max.message.bytes", "12345"))
	require.Len(t, describe(t, c, name).Partitions, 2)

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	configs, err := c.Admin(t).DescribeTopicConfigs(ctx, name)
	require.NoError(t, err)
	values := make(map[string]string)
	for _, c := range configs[0].Configs {
		values[c.Key] = c.MaybeValue()
	}
	require.Equal(t, "12345", values["max.message.bytes"])

	c.AddPartitions(t, name, 5)
	require.Len(t, describe(t, c, name).Partitions, 5)
	require.Same(t, c.Broker(0), c.Leader(t, name, 4))

	c.DeleteTopic(t, name)
	require.Error(t, describe(t, c, name).Err)
	c.CreateTopic(t, name, 1)
	require.Len(t, describe(t, c, name).Partitions, 1)
}

func TestTopicName_IsLegalAndNew(t *testing.T) {
	t.Run("a/b c: é", func(t *testing.T) {
		a, b := TopicName(t), TopicName(t)
		require.NotEqual(t, a, b)
		require.Regexp(t, `^TestTopicName_IsLegalAndNew-a-b_c-_--[0-9]+$`, a)
	})
}

// describe asks with a new client, which cannot answer from its cache.
func describe(t *testing.T, c *Cluster, topic string) kadm.TopicDetail {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	topics, err := c.Admin(t).ListTopics(ctx, topic)
	require.NoError(t, err)
	return topics[topic]
}
