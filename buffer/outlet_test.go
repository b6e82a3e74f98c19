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
		o.Arm(topic.unkeyed.open.born + linger)
		time.Sleep(time.Second)
		require.Empty(t, o.Woken())
		select {
		case <-o.Ripe():
			t.Error("it looks by itself")
		default:
		}
	})
}

// Topics may linger for different times: who looks late for one looks in time for the other.
func TestOutlet_IsToldOfABatchThatWillHaveLingeredBeforeOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const slow, quick = time.Minute, 10 * time.Millisecond
		o := NewOutlet()
		lane := newTestLane(t, 1<<20, func(cfg *Config) {
			cfg.Linger, cfg.DeliveryTimeout = slow, time.Hour
			cfg.Outlet = func(string) *Outlet { return o }
			cfg.Own = ownOf("quick", &Own{Linger: quick, DeliveryTimeout: time.Hour,
				BatchBytes: cfg.BatchBytes})
		})
		start := time.Now()
		send := func(topic *Topic) {
			require.NoError(t, topic.Append(&Record{Value: []byte("a")}, Unkeyed, -1,
				time.Since(start)))
		}
		topics := make(map[string]*Topic)
		for _, name := range []string{"slow", "quick"} {
			topic, err := lane.Topic(name, 0)
			require.NoError(t, err)
			send(topic)
			<-o.Woken()
			require.NotNil(t, topic.Take(Unkeyed, -1, true)) // it is known from now on
			topics[name] = topic
		}

		o.Look()
		send(topics["slow"])
		o.Arm(time.Since(start) + slow)
		time.Sleep(time.Second)
		send(topics["quick"])
		opened := time.Now()
		<-o.Ripe()
		require.Equal(t, quick, time.Since(opened))

		require.NotNil(t, topics["quick"].Take(Unkeyed, -1, true))
		o.Look()
		send(topics["quick"])
		opened = time.Now()
		require.NotNil(t, topics["slow"].Take(Unkeyed, -1, true))
		send(topics["slow"]) // it changes nothing
		<-o.Ripe()
		require.Equal(t, quick, time.Since(opened))
		require.Empty(t, o.Woken())
	})
}

// Where the dispatcher lets batches linger for longer, it need not look at new ones before that.
func TestOutlet_LooksNoSoonerThanBatchesLingerAtTheMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topic := newTestTopic(t, newTestLane(t, 1<<20, func(cfg *Config) {
			cfg.Linger, cfg.MaxLinger = time.Millisecond, time.Second
			cfg.DeliveryTimeout = time.Hour
		}))
		o := topic.outlet
		add(t, topic, "the first of a topic")
		<-o.Woken()
		require.NotNil(t, topic.Take(Unkeyed, -1, true))
		o.Look()
		o.SetLinger(100 * time.Millisecond)
		opened := time.Now()
		add(t, topic, "a")
		<-o.Ripe()
		require.Equal(t, 100*time.Millisecond, time.Since(opened))
	})
}
