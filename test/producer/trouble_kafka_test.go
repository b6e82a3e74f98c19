//go:build unix

package producer_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/kafkatest"
	"github.com/forebay-go/forebay/test/proof"
)

// What real Kafka answers, and what is made of it: a topic and a partition that do not exist, and a
// topic that has lost one of the two copies that it requires.
func TestKafka_F10_WhatKeepsRecordsWaitingIsTold(t *testing.T) {
	t.Parallel()
	proven := proof.Of(t, "F10")
	c := kafkatest.Start(t, kafkatest.Brokers(3))
	c.CreateTopic(t, "short", 1, kafkatest.TopicConfig("min.insync.replicas", "2"),
		kafkatest.Assign([]int32{1, 2}))
	core, logs := observer.New(zap.InfoLevel)
	tr := try(t, to(c), producer.WithLogger(zap.New(core)))
	lost := make(map[string]error)
	tr.alsoReport(func(r producer.Report) {
		if r.Outcome != producer.Delivered {
			lost[r.Topic] = r.Err
		}
	})
	tr.send(t, producer.Record{Topic: "short", Key: []byte("k")})
	tr.awaitDelivered(t, 1)
	c.Brokers()[1].Stop(t)
	tr.send(t, producer.Record{Topic: "short", Key: []byte("k")})
	tr.send(t, producer.Record{Topic: "missing"})
	tr.send(t, producer.Record{Topic: "short", Partition: producer.ToPartition(9)})
	reasons := map[producer.Cause]string{
		producer.CauseTooFewReplicas: "partition 0 has too few copies in sync: at least 2 are " +
			"required, 1 of 2 is there (NOT_ENOUGH_REPLICAS",
		producer.CauseTopicMissing: "it does not exist (UNKNOWN_TOPIC_OR_PARTITION)",
		producer.CausePartitionMissing: "partition 9 does not exist: the topic has 1, numbered " +
			"from 0",
	}
	tr.await(t, "not all is said", func(s *producer.Stats) bool {
		said := 0
		for _, trouble := range s.Troubles {
			if want := reasons[trouble.Cause]; want != "" && len(trouble.Reason) >= len(want) &&
				trouble.Reason[:len(want)] == want {
				said++
			}
		}
		return said == len(reasons)
	})
	require.Eventually(t, func() bool {
		told := make(map[any]bool)
		for _, line := range logs.FilterMessage("records wait").All() {
			told[line.ContextMap()["cause"]] = true
		}
		for cause := range reasons {
			if !told[string(cause)] {
				return false
			}
		}
		return true
	}, patience, 5*time.Millisecond)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	sum, err := tr.Close(ctx)
	require.EqualValues(t, 3, sum.Left)
	for _, reason := range reasons {
		require.ErrorContains(t, err, reason)
	}
	require.ErrorIs(t, lost["missing"], kerr.UnknownTopicOrPartition)
	require.Error(t, lost["short"])
	requireTold(t, logs)
	proven.Bit("brokers stopped", 1)
	proven.Figure("what Close says", "%v", err)
}
