package audit

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/producer"
)

// states returns the state of each broker.
func states(h *Heart) map[int32]BrokerState {
	m := make(map[int32]BrokerState)
	for _, b := range h.Brokers() {
		m[b.Broker] = b.State
	}
	return m
}

func TestHeart_NamesTheBrokerThatIsSlow(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(3))
	require.NoError(t, err)
	defer c.Close()
	seeds := kgo.SeedBrokers(c.ListenAddrs()...)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	added, err := CreateHeartbeatTopic(ctx, "hearts", seeds)
	require.NoError(t, err)
	require.Equal(t, 3, added)
	require.NoError(t, c.MoveTopicPartition("hearts", 0, 0))
	require.NoError(t, c.MoveTopicPartition("hearts", 1, 1))
	require.NoError(t, c.MoveTopicPartition("hearts", 2, 2))
	p, err := producer.New(producer.Config{Clusters: map[string]producer.ClusterConfig{
		"kafka": {Brokers: c.ListenAddrs()}}})
	require.NoError(t, err)
	defer func() { _, _ = p.Close(ctx) }()
	h, err := NewHeart(HeartbeatConfig{Topic: "hearts", Interval: leastInterval}, p, nil, seeds)
	require.NoError(t, err)
	defer h.Close()
	well := map[int32]BrokerState{0: Well, 1: Well, 2: Well}
	require.Eventually(t, func() bool { return len(h.Brokers()) == 3 && equal(states(h), well) },
		time.Minute, 10*time.Millisecond, "%v", states(h))
	require.Eventually(t, func() bool { return h.Brokers()[1].Partitions[0].Read.Last > 0 }, time.Minute,
		10*time.Millisecond)

	slow := make(chan struct{})
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if c.CurrentNode() == 1 {
			c.SleepControl(func() { <-slow })
		}
		return nil, nil, false
	})
	require.Eventually(t, func() bool { return states(h)[1] == Slow || states(h)[1] == Dead },
		time.Minute, 10*time.Millisecond)
	// a busy machine may be slow to hear of the others
	require.Eventually(t, func() bool {
		return equal(states(h), map[int32]BrokerState{0: Well, 1: Dead, 2: Well})
	}, time.Minute, 10*time.Millisecond)
	close(slow)
	require.Eventually(t, func() bool { return equal(states(h), well) }, time.Minute, 10*time.Millisecond)
}

// A broker is slow when a heartbeat waits for longer than the settings say, and dead when none was
// acknowledged for three intervals more.
func TestBeat_IsSlowBeforeItIsDead(t *testing.T) {
	cfg := HeartbeatConfig{}
	require.NoError(t, cfg.complete())
	now := time.Now()
	b := &beat{begun: now, pending: make(map[uint64]time.Time)}
	require.Equal(t, Starting, b.state(&cfg, now), "nothing was sent")
	b.sent, b.acked = 2, now
	b.ack.add(cfg.Slow)
	b.pending[1] = now
	for after, want := range map[time.Duration]BrokerState{cfg.Slow: Well, cfg.Slow + 1: Slow,
		cfg.dead(): Slow, cfg.dead() + 1: Dead} {
		require.Equal(t, want, b.state(&cfg, now.Add(after)), after)
	}
	delete(b.pending, 1)
	b.ack.add(cfg.Slow + 1)
	require.Equal(t, Slow, b.state(&cfg, now), "the last one was late")
}

func equal(a, b map[int32]BrokerState) bool {
	for k, v := range b {
		if a[k] != v {
			return false
		}
	}
	return len(a) == len(b)
}

func TestHeart_SaysWhichBrokersItDoesNotWatch(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.SeedTopics(1, "hearts"))
	require.NoError(t, err)
	defer c.Close()
	require.NoError(t, c.MoveTopicPartition("hearts", 0, 0))
	p, err := producer.New(producer.Config{Clusters: map[string]producer.ClusterConfig{
		"kafka": {Brokers: c.ListenAddrs()}}})
	require.NoError(t, err)
	defer func() { _, _ = p.Close(context.Background()) }()
	h, err := NewHeart(HeartbeatConfig{Topic: "hearts", Interval: leastInterval}, p, nil,
		kgo.SeedBrokers(c.ListenAddrs()...))
	require.NoError(t, err)
	defer h.Close()
	require.Eventually(t, func() bool {
		return equal(states(h), map[int32]BrokerState{0: Well, 1: Unwatched})
	}, time.Minute, 10*time.Millisecond)
}

func TestHeartbeatConfig_SaysEveryMistake(t *testing.T) {
	_, err := NewHeart(HeartbeatConfig{Topic: "a b", Interval: 1, Slow: -1}, nil, nil)
	for _, text := range []string{`topic: "a b": the name`, "interval: 1ns: write 100ms to 1m0s",
		"slow: -1ns: write 1ms to 1m0s"} {
		require.ErrorContains(t, err, text)
	}
}
