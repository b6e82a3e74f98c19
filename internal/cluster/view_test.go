package cluster

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func topicAnswer(id byte, code int16, leaders ...[2]int32) *kmsg.MetadataResponseTopic {
	t := kmsg.NewMetadataResponseTopic()
	t.TopicID, t.ErrorCode = [16]byte{id}, code
	for i, l := range leaders {
		p := kmsg.NewMetadataResponseTopicPartition()
		p.Partition, p.Leader, p.LeaderEpoch = int32(i), l[0], l[1]
		t.Partitions = append(t.Partitions, p)
	}
	return &t
}

func TestTopic_AnOlderLeaderDoesNotReplaceANewerOne(t *testing.T) {
	topic := Topic{}.merge(topicAnswer(1, 0, [2]int32{1, 5}, [2]int32{2, 5}))
	topic = topic.merge(topicAnswer(1, 0, [2]int32{3, 4}, [2]int32{3, 6}))
	require.EqualValues(t, 1, topic.Partitions[0].Leader)
	require.EqualValues(t, 3, topic.Partitions[1].Leader)
}

func TestTopic_MadeAgainItBeginsAnew(t *testing.T) {
	topic := Topic{}.merge(topicAnswer(1, 0, [2]int32{1, 5}, [2]int32{2, 5}))
	topic = topic.merge(topicAnswer(2, 0, [2]int32{3, 0}))
	require.Len(t, topic.Partitions, 1)
	require.EqualValues(t, 3, topic.Partitions[0].Leader)
}

func TestTopic_AnErrorKeepsWhatWasKnown(t *testing.T) {
	topic := Topic{}.merge(topicAnswer(1, 0, [2]int32{1, 5}))
	topic = topic.merge(topicAnswer(0, kerr.UnknownTopicOrPartition.Code))
	require.ErrorIs(t, topic.Err, kerr.UnknownTopicOrPartition)
	require.Len(t, topic.Partitions, 1)
}

func TestTopic_AnswersThatMakeNoSenseDoNoHarm(t *testing.T) {
	answer := topicAnswer(1, 0, [2]int32{1, 5}, [2]int32{2, 5})
	answer.Partitions[0].Partition, answer.Partitions[1].Partition = 7, -3
	topic := Topic{}.merge(answer)
	require.Len(t, topic.Partitions, 2)
	require.EqualValues(t, -1, topic.Partitions[0].Leader)
}

// Brokers go on naming a leader that was killed for as long as its session lasts.
func TestTopic_IsNotSettledWhileALeaderDoesNotWork(t *testing.T) {
	works := func(node int32) bool { return node == 1 || node == 2 }
	for leader, want := range map[int32]bool{2: true, 3: false, -1: false} {
		topic := Topic{}.merge(topicAnswer(1, 0, [2]int32{1, 5}, [2]int32{leader, 5}))
		require.Equal(t, want, topic.settled(works), "leader %d", leader)
	}
}

func TestView_OneStateForEachMixOfBrokers(t *testing.T) {
	for _, c := range []struct {
		was                        State
		working, doubtful, brokers int
		want                       State
	}{
		{Connecting, 0, 0, 0, Connecting},
		{Connecting, 0, 3, 3, Connecting},
		{Connecting, 1, 2, 3, Up},
		{Up, 2, 1, 3, Up},
		{Up, 2, 0, 3, Degraded},
		{Degraded, 2, 1, 3, Degraded},
		{Degraded, 3, 0, 3, Up},
		{Up, 0, 1, 1, Up},
		{Up, 0, 0, 1, Down},
		{Down, 0, 0, 3, Down},
		{Down, 1, 0, 3, Degraded},
	} {
		require.Equal(t, c.want, stateOf(c.was, c.working, c.doubtful, c.brokers), "%+v", c)
	}
}

// Lying answers found both: what they had said once was believed for good, and what was bound to it
// never delivered.
func TestTopic_WhatIsContradictedOftenEnoughIsNotBelievedAnyMore(t *testing.T) {
	lie := Topic{}.merge(topicAnswer(1, 0, [2]int32{1, 1<<31 - 1}, [2]int32{2, 1<<31 - 1},
		[2]int32{2, 5}))
	truth := topicAnswer(1, 0, [2]int32{3, 7}, [2]int32{4, 7})
	topic := lie
	for range convincing - 1 {
		topic = topic.merge(truth)
		require.Len(t, topic.Partitions, 3)
		require.EqualValues(t, 1, topic.Partitions[0].Leader)
	}
	topic = topic.merge(truth)
	require.Len(t, topic.Partitions, 2)
	require.EqualValues(t, 3, topic.Partitions[0].Leader)

	topic = lie
	for range 3 * convincing { // two brokers, of which one is behind
		topic = topic.merge(truth).merge(topicAnswer(1, 0, [2]int32{1, 1<<31 - 1},
			[2]int32{2, 1<<31 - 1}, [2]int32{2, 5}))
		require.Len(t, topic.Partitions, 3)
		require.EqualValues(t, 1, topic.Partitions[0].Leader)
	}
}

func TestView_BrokersHaveNoNegativeNumbers(t *testing.T) {
	resp := kmsg.NewPtrMetadataResponse()
	for _, id := range []int32{-1000, -1, 7} {
		resp.Brokers = append(resp.Brokers, kmsg.MetadataResponseBroker{NodeID: id, Host: "h",
			Port: 1})
	}
	require.Equal(t, map[int32]Broker{7: {Addr: "h:1"}}, brokersOf(resp))
}
