package buffer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// Who hands a topic over may still be told of what came in before. It must not take it for its own
// again.
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

// A dispatcher that is woken for each batch that is opened has nothing to do but to wait.
func TestOutlet_IsToldOfAnOpenBatchWhenThatHasLingered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const linger = 10 * time.Millisecond
		topic := newTestTopic(t, newTestLane(t, 1<<20, func(cfg *Config) { cfg.Linger = linger }))
		o := topic.outlet
		add(t, topic, "the first of a topic")
		<-o.Woken()
		require.NotNil(t, topic.Take(Unkeyed, -1, true))

		o.Look()
		add(t, topic, "a")
		opened := time.Now()
		time.Sleep(linger / 2)
		add(t, topic, "b")
		<-o.Ripe()
		require.Equal(t, linger, time.Since(opened))
		require.Empty(t, o.Woken())
		require.NotNil(t, topic.Take(Unkeyed, -1, true))

		o.Look()
		add(t, topic, "c")
		o.Look() // it sees the batch, and will look at it by itself
		o.Arm()
		time.Sleep(time.Second)
		require.Empty(t, o.Woken())
		select {
		case <-o.Ripe():
			t.Error("it looks by itself")
		default:
		}
	})
}
