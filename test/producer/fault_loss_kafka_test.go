//go:build unix

package producer_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/kafkatest"
	"github.com/forebay-go/forebay/test/proof"
	"github.com/forebay-go/forebay/test/toxics"
)

// The tests here have brokers lose or forget what they knew.

// Two brokers have the topic, the third is there for the quorum. The follower is killed, the leader
// alone acknowledges more, and is killed in its turn; then the follower comes back without it and
// is made the leader.
func TestKafka_F20_WhatAnUncleanElectionLosesIsTheBrokersLoss(t *testing.T) {
	t.Parallel()
	proven := proof.Of(t, "F20")
	c := kafkatest.Start(t, kafkatest.Brokers(3))
	leader, follower := c.Broker(0), c.Broker(1)
	c.CreateTopic(t, "events", 2, kafkatest.Assign([]int32{1, 2}, []int32{1, 2}),
		kafkatest.TopicConfig("min.insync.replicas",
			"1"), kafkatest.TopicConfig("unclean.leader.election.enable", "true"))
	tr := try(t, to(c))
	stop := tr.stream(t, 5, mixed("events"))
	tr.awaitDelivered(t, 2000) // to both
	follower.Kill(t)
	tr.awaitDelivered(t, 2000) // to the leader alone
	stop()
	tr.flush(t)
	doomed := c.Read(t, "events")
	tr.ledger.Witness(doomed...)

	leader.Kill(t)
	stop = tr.stream(t, 5, mixed("events"))
	follower.Start(t)
	require.Same(t, follower, c.Leader(t, "events", 0))
	tr.awaitDelivered(t, 2000)
	leader.Start(t)
	c.AwaitInSync(t, "events")
	tr.awaitDelivered(t, 2000)
	stop()
	summary := tr.close(t)
	require.Equal(t, summary.Accepted, summary.Delivered, summary.String())
	log := tr.read(t, c, "events")
	tr.judge(t)

	lost := tr.ledger.LostByBrokers()
	proven.Bit("acknowledged records that the election lost", int64(lost))
	proven.Figure("acknowledged before the election", "%d", len(doomed))
	proven.Figure("counted as maybe duplicated", "%d", tr.Stats().Total.MaybeDuplicated)
	require.EqualValues(t, summary.Delivered-lost, len(log), "all else is there, once")
	tr.ledger.Prove(proven)
	logFigures(t, proven)
}

// Brokers remember a producer for a day after its last record, by the time that the record says. A
// broker that starts anew learns from its log, and does not remember what is older.
func TestKafka_F24_ARetryOfOldRecordsAfterARestartCountsAsMaybeDuplicated(t *testing.T) {
	t.Parallel()
	proven := proof.Of(t, "F24")
	c := kafkatest.Start(t)
	c.CreateTopic(t, "events", 1, kafkatest.TopicConfig("retention.ms", "-1"))
	net := proxies(t, c)
	tr := try(t, to(c), producer.WithDialer(net.Dial))
	old := func(i int) producer.Record {
		rec := keyed("events", 7)(i)
		rec.Timestamp = time.Now().Add(-48 * time.Hour)
		return rec
	}
	const records = 200
	send := func() {
		for i := range records {
			tr.send(t, old(i))
		}
	}
	send()
	tr.flush(t)

	var written int64
	for deadline := time.Now().Add(patience); written == 0; {
		require.True(t, time.Now().Before(deadline), "nothing arrives that is not answered")
		before := len(c.Read(t, "events"))
		// what is written arrives, and no answer comes back
		require.NoError(t, net.Add(toxics.Hole().Down()))
		send()
		for again := time.Now().Add(5 * time.Second); written == 0 &&
			time.Now().Before(again); time.Sleep(20 * time.Millisecond) {
			written = int64(len(c.Read(t, "events")) - before)
		}
		// the machine was so busy that a question went unanswered first, and then nobody writes
		if written == 0 {
			net.Clear()
			tr.flush(t)
		}
	}
	c.Broker(0).Kill(t)
	c.Broker(0).Start(t)
	net.Clear()
	tr.flush(t)
	send()
	log := tr.settle(t, c, "events")

	books := tr.Stats().Total
	proven.Bit("records written and not answered when the broker ended", written)
	proven.Bit("records counted as maybe duplicated", int64(books.MaybeDuplicated))
	proven.Bit("records that the broker did not know to have",
		int64(uint64(len(log))-books.Accepted))
	tr.ledger.Prove(proven)
	logFigures(t, proven)
}
