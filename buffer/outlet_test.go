package buffer

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Who hands a topic over may still be told of what came in before. It must not take it for its own again.
func TestOutlet_TellsNobodyOfATopicThatGoesElsewhere(t *testing.T) {
	topic := newTestTopic(t, newTestLane(t, 1<<20))
	before, after := topic.outlet, NewOutlet()
	add(t, topic, "a")
	topic.Assign(after)
	require.Empty(t, before.Incoming(nil))
	require.Equal(t, []*Topic{topic}, after.Incoming(nil))
	<-after.Woken()
	topic.Wake()
	require.Len(t, after.Woken(), 1)
}
