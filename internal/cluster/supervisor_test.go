package cluster

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// start returns a supervised cluster, which the test closes, and its log.
func start(t *testing.T, seeds ...string) (*Cluster, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zap.InfoLevel)
	c, err := New(Config{Name: "test", Seeds: seeds, ClientID: "test",
		Logger: zap.New(core)})
	require.NoError(t, err)
	c.Start()
	t.Cleanup(c.Close)
	return c, logs
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	require.Eventually(t, is, time.Minute, time.Millisecond, what)
}

func fake(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	k, err := kfake.NewCluster(opts...)
	require.NoError(t, err)
	return k
}

func TestCluster_GoesUpDownAndUpWithALineForEach(t *testing.T) {
	dir := t.TempDir()
	k := fake(t, kfake.NumBrokers(1), kfake.SeedTopics(3, "a"), kfake.DataDir(dir))
	addr := k.ListenAddrs()[0]
	c, logs := start(t, addr)
	c.Want("a")
	eventually(t, "up", func() bool {
		return c.Status().State == Up && len(c.View().Topics["a"].Partitions) == 3
	})
	k.Close()
	c.Failed(0, fmt.Errorf("reset"))
	eventually(t, "down", func() bool { return c.Status().State == Down })
	require.Contains(t, c.Status().Reason, addr)
	_, port, _ := net.SplitHostPort(addr)
	var n int
	_, err := fmt.Sscan(port, &n)
	require.NoError(t, err)
	k = fake(t, kfake.NumBrokers(1), kfake.Ports(n), kfake.DataDir(dir))
	defer k.Close()
	eventually(t, "up again", func() bool { return c.Status().State == Up })
	require.Empty(t, c.Status().Reason)
	var lines []string
	for _, e := range logs.All() {
		lines = append(lines, e.Message)
	}
	require.Equal(t, []string{"cluster up", "cluster down", "cluster up"}, lines)
}

func TestCluster_ATopicThatAppearsLaterIsFound(t *testing.T) {
	k := fake(t, kfake.NumBrokers(2))
	defer k.Close()
	c, _ := start(t, k.ListenAddrs()...)
	c.Want("late")
	eventually(t, "the error", func() bool { return c.View().Topics["late"].Err != nil })
	require.NoError(t, k.CreateTopic("late", 2, nil))
	eventually(t, "the topic", func() bool { return len(c.View().Topics["late"].Partitions) == 2 })
}

func TestCluster_CloseReturnsWhileABrokerIsSilent(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer silent.Close()
	c, _ := start(t, silent.Addr().String())
	conn, err := silent.Accept()
	require.NoError(t, err)
	defer conn.Close()
	begin := time.Now()
	c.Close()
	require.Less(t, time.Since(begin), 5*time.Second)
	require.Equal(t, Closed, c.Status().State)
}

func TestLink_ProducesThroughAConnectionOfItsOwn(t *testing.T) {
	k := fake(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "a"))
	defer k.Close()
	c, _ := start(t, k.ListenAddrs()...)
	c.Want("a")
	eventually(t, "up", func() bool { return c.View().Usable(c.leader("a")) })
	l := c.NewLink(func() {})
	defer l.Close()
	var seq Sequence
	eventually(t, "a producer ID", func() bool {
		var ok bool
		seq, ok = l.Renew(0, "a", 0)
		return ok
	})
	require.GreaterOrEqual(t, seq.ID, int64(0))
	a := hi(seq)
	l.Produce(context.Background(), c.leader("a"), l.Prepare([]*Attempt{a}))
	require.Equal(t, Answered, a.Fate, a.Err)
	require.Equal(t, Done, ActionOf(a.Code))
	require.Zero(t, a.Offset)

	again := hi(seq)
	l.Produce(context.Background(), c.leader("a"), l.Prepare([]*Attempt{again}))
	require.Equal(t, Done, ActionOf(again.Code), "the broker finds the duplicate")
	require.Zero(t, again.Offset)
}

func TestLink_WhatWasNotWrittenIsNotSent(t *testing.T) {
	l0, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c, _ := start(t, l0.Addr().String())
	require.NoError(t, l0.Close())
	l := c.NewLink(func() {})
	defer l.Close()
	a := hi(Unnumbered)
	l.Produce(context.Background(), 1, l.Prepare([]*Attempt{a}))
	require.Equal(t, NotSent, a.Fate)
	require.Error(t, a.Err)
}

// leader returns who leads partition 0 of topic.
func (c *Cluster) leader(topic string) int32 {
	if t := c.View().Topics[topic]; len(t.Partitions) > 0 {
		return t.Partitions[0].Leader
	}
	return -1
}

func TestCluster_KeepsTheMetadataOfATopicWhileAnybodyWantsIt(t *testing.T) {
	k := fake(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "a", "b"))
	defer k.Close()
	c, _ := start(t, k.ListenAddrs()...)
	c.Want("a")
	c.Want("a")
	c.Want("b")
	eventually(t, "both", func() bool { return len(c.View().Topics) == 2 })
	c.Forget("a")
	c.Forget("b")
	c.Refresh()
	eventually(t, "b to be forgotten", func() bool { return len(c.View().Topics) == 1 })
	require.Contains(t, c.View().Topics, "a")
}
