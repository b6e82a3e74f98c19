//go:build unix

package watermill_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"
	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/kafkatest"
	"github.com/forebay-go/forebay/watermill"
)

// newPublisher returns a publisher with a producer of its own.
func newPublisher(t *testing.T, kafka *kafkatest.Cluster, opts ...watermill.Option) (*watermill.Publisher, *producer.Producer) {
	p, err := producer.New(producer.Config{
		Clusters: map[string]producer.ClusterConfig{"a": {Brokers: kafka.Seeds()}}})
	require.NoError(t, err)
	publisher := watermill.NewPublisher(p, opts...)
	t.Cleanup(func() { _ = publisher.Close() })
	return publisher, p
}

// Watermill's own tests of a Pub/Sub. Those that need an order run with keys.
func TestKafka_PubSub(t *testing.T) {
	kafka := kafkatest.Shared(t)
	byPayload := watermill.WithPartitionKey(func(_ string, msg *message.Message) (string, error) {
		return string(msg.Payload), nil
	})
	for name, row := range map[string]struct {
		ordered bool
		opts    []watermill.Option
	}{
		"accepted":  {false, nil},
		"delivered": {false, []watermill.Option{watermill.WithWait()}},
		"keyed":     {true, []watermill.Option{byPayload}},
	} {
		t.Run(name, func(t *testing.T) {
			pubSub := func(t *testing.T, group string) (message.Publisher, message.Subscriber) {
				publisher, _ := newPublisher(t, kafka, row.opts...)
				return publisher, newSubscriber(t, kafka, group)
			}
			tests.TestPubSub(t, tests.Features{ConsumerGroups: true, Persistent: true, ForceShort: true,
				GuaranteedOrder: row.ordered, GuaranteedOrderWithSingleSubscriber: row.ordered},
				func(t *testing.T) (message.Publisher, message.Subscriber) { return pubSub(t, "test-"+name) }, pubSub)
		})
	}
}

// That of a new subscriber needs subscribers without a group.
func TestKafka_NewSubscriberReceivesOldMessages(t *testing.T) {
	t.Parallel()
	kafka := kafkatest.Shared(t)
	tests.TestNewSubscriberReceivesOldMessages(t, tests.TestContext{TestID: tests.NewTestID(),
		Features: tests.Features{NewSubscriberReceivesOldMessages: true}},
		func(t *testing.T) (message.Publisher, message.Subscriber) {
			publisher, _ := newPublisher(t, kafka)
			return publisher, newSubscriber(t, kafka, "")
		})
}

// Each message that was published while the broker was away is in Kafka when it is back.
func TestKafka_PublishOutlivesARestart(t *testing.T) {
	t.Parallel()
	kafka := kafkatest.Start(t)
	kafka.CreateTopic(t, "plays", 3)
	publisher, p := newPublisher(t, kafka, watermill.WithCloseTimeout(time.Minute))
	publish := func(from, to int) {
		for i := from; i < to; i++ {
			require.NoError(t, publisher.Publish("plays", message.NewMessage(fmt.Sprint(i), []byte("x"))))
		}
	}
	publish(0, 1000)
	require.NoError(t, p.Flush(t.Context()))
	kafka.Broker(0).Kill(t)
	publish(1000, 2000)
	require.Positive(t, p.Stats().Total.Pending)
	kafka.Broker(0).Start(t)
	waiting := watermill.NewPublisher(p, watermill.WithWait(), watermill.WithSharedProducer())
	require.NoError(t, waiting.Publish("plays", message.NewMessage("2000", []byte("x"))))
	require.NoError(t, publisher.Close())
	seen := make(map[string]bool)
	for _, rec := range kafka.Read(t, "plays") {
		seen[messageOf(rec).UUID] = true
	}
	require.Len(t, seen, 2001)
}

// With WithWait, messages of one goroutine keep their order in a partition, without keys.
func TestKafka_PublishKeepsTheOrderIfItWaits(t *testing.T) {
	t.Parallel()
	kafka := kafkatest.Shared(t)
	topic := kafkatest.TopicName(t)
	kafka.CreateTopic(t, topic, 1)
	publisher, _ := newPublisher(t, kafka, watermill.WithWait())
	var want, got []string
	for i := range 50 {
		want = append(want, fmt.Sprint(i))
		require.NoError(t, publisher.Publish(topic, message.NewMessage(want[i], nil)))
	}
	s := newSubscriber(t, kafka, "")
	messages, err := s.Subscribe(context.WithoutCancel(t.Context()), topic)
	require.NoError(t, err)
	for range want {
		msg := <-messages
		got = append(got, msg.UUID)
		msg.Ack()
	}
	require.NoError(t, s.Close())
	require.Equal(t, want, got)
}
