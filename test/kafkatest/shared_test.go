//go:build unix

package kafkatest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestShared_IsOneClusterForAll(t *testing.T) {
	c := Shared(t)
	require.Same(t, c, Shared(t))
	require.Len(t, c.Brokers(), 1)
	require.Equal(t, []string{c.Broker(0).Addr()}, c.Seeds())
}

func TestSharedTrio_HasThreeBrokersThatAreInSync(t *testing.T) {
	c := SharedTrio(t)
	require.Same(t, c, SharedTrio(t))
	require.NotSame(t, c, Shared(t))
	require.Len(t, c.Brokers(), 3)
	topic := TopicName(t)
	c.CreateTopic(t, topic, 3)
	c.AwaitInSync(t, topic)
}
