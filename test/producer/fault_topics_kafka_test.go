//go:build unix

package producer_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/kafkatest"
	"github.com/forebay-go/forebay/test/proof"
)

// The tests here have topics go, and Kafka refuse what is sent to them.

func TestKafka_F10_ATopicDeletedAndMadeAgainWhileRecordsFlowGoesOn(t *testing.T) {
	t.Parallel()
	proven := proof.Of(t, "F10")
	c := kafkatest.SharedTrio(t)
	other, topic := newTopic(t, c, 6, durable()...), newTopic(t, c, 6, durable()...)
	tr := try(t, to(c))
	waits := tr.countWaits()
	stop := tr.stream(t, 6, alternate(mixed(topic), mixed(other)))
	tr.awaitDelivered(t, 2000)
	c.DeleteTopic(t, topic)
	tr.await(t, "nothing is said of the topic",
		func(s *producer.Stats) bool { return topicOf(s, topic).Trouble != "" })
	said := tr.Stats()
	trouble := topicOf(&said, topic).Trouble
	tr.awaitDelivered(t, 2000) // of the other topic: nobody has this one
	require.Positive(t, topicOf(&said, topic).Delivered)
	tr.ledger.Gone(topic)
	c.CreateTopic(t, topic, 4, durable()...) // with fewer partitions
	tr.await(t, "the topic is not used again", func(s *producer.Stats) bool {
		return topicOf(s, topic).Delivered > topicOf(&said, topic).Delivered+1000
	})
	stop()
	summary := tr.close(t)
	require.Equal(t, summary.Accepted, summary.Delivered, summary.String())
	log := append(c.Read(t, topic), c.Read(t, other)...)
	tr.ledger.Read(log...)
	for _, records := range perPartition(log) {
		tr.ledger.Ordered(records) // each by itself: keys have moved from one to another
	}
	tr.judge(t)

	proven.Bit("delivered records that went with the topic", int64(tr.ledger.LostByBrokers()))
	proven.Figure("what was said of it", "%s", trouble)
	waits.of(proven, "of the topic", topic)
	waits.of(proven, "of another", other)
	books := tr.Stats().Total
	proven.Figure("counted as maybe duplicated", "%d", books.MaybeDuplicated)
	require.LessOrEqual(t, len(log),
		int(books.Accepted+books.MaybeDuplicated-tr.ledger.LostByBrokers()))
	tr.ledger.Prove(proven)
	logFigures(t, proven)
}

// topicOf returns the row of a topic.
func topicOf(s *producer.Stats, topic string) producer.TopicStats {
	for _, row := range s.Topics {
		if row.Topic == topic {
			return row
		}
	}
	return producer.TopicStats{}
}

func TestKafka_F11_OnlyWhatKafkaNeverTakesIsRejectedFromAStream(t *testing.T) {
	t.Parallel()
	proven := proof.Of(t, "F11")
	c := kafkatest.SharedTrio(t)
	narrow := newTopic(t, c, 3, append(durable(),
		kafkatest.TopicConfig("max.message.bytes", "10000"))...)
	wide := newTopic(t, c, 3, durable()...)
	tr := try(t, to(c, func(cfg *producer.Config) { cfg.Batching.Linger = 100 * time.Millisecond }))
	var mu sync.Mutex // guards what follows
	rejected := make(map[uint64]producer.Reason)
	tr.alsoReport(func(r producer.Report) {
		if r.Outcome != producer.Delivered {
			mu.Lock()
			defer mu.Unlock()
			rejected[r.Tag] = r.Reason
		}
	})
	var calls int // its records have the tags 0, 1, 2 and so on
	want := make(map[uint64]producer.Reason)
	ordinary := alternate(mixed(narrow), mixed(wide))
	stop := tr.stream(t, 10, func(i int) producer.Record {
		rec := ordinary(i)
		switch calls = i; {
		case i%500 == 250: // an even number, so for the narrow topic
			rec.Value = make([]byte, 12_000)
			want[uint64(i)] = producer.ReasonTooLarge
		case i%701 == 700:
			rec.Timestamp = time.Now().Add(2 * time.Hour)
			want[uint64(i)] = producer.ReasonInvalid
		}
		return rec
	})
	tr.awaitDelivered(t, 15_000)
	stop()
	summary := tr.close(t)
	tr.read(t, c, narrow, wide)
	tr.judge(t)

	require.Equal(t, want, rejected)
	require.EqualValues(t, calls+1-len(want), summary.Delivered)
	proven.Bit("records too large for their topic", int64(summary.Lost[producer.ReasonTooLarge]))
	proven.Bit("records two hours ahead", int64(summary.Lost[producer.ReasonInvalid]))
	tr.ledger.Prove(proven)
	logFigures(t, proven)
}
