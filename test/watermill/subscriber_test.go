//go:build unix

package watermill_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/test/kafkatest"
	"github.com/forebay-go/forebay/watermill"
)

// subscriber reads messages as watermill-kafka's does: each of a partition when the one before it
// was acknowledged, and again if it was not. It commits what was acknowledged.
type subscriber struct {
	kafka *kafkatest.Cluster
	group string // "": all partitions, from their beginning

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	all    sync.WaitGroup
}

func newSubscriber(t *testing.T, kafka *kafkatest.Cluster, group string) *subscriber {
	s := &subscriber{kafka: kafka, group: group}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	t.Cleanup(func() { _ = s.Close() }) // PublishSubscribeInOrder closes it before it subscribes
	return s
}

// SubscribeInitialize makes a topic.
func (s *subscriber) SubscribeInitialize(topic string) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(s.kafka.Seeds()...))
	if err != nil {
		return err
	}
	defer cl.Close()
	_, err = kadm.NewClient(cl).CreateTopic(s.ctx, 3, 1, nil, topic)
	if errors.Is(err, kerr.TopicAlreadyExists) {
		return nil
	}
	return err
}

// Subscribe makes a topic if it does not exist, and reads it until ctx ends or Close.
func (s *subscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	if err := s.SubscribeInitialize(topic); err != nil {
		return nil, err
	}
	opts := []kgo.Opt{kgo.SeedBrokers(s.kafka.Seeds()...), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(100 * time.Millisecond)}
	if s.group != "" {
		opts = append(opts, kgo.ConsumerGroup(s.group), kgo.DisableAutoCommit(),
			kgo.BlockRebalanceOnPoll(), kgo.RebalanceTimeout(10*time.Second))
	}
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.ctx, cancel)
	out := make(chan *message.Message)
	s.all.Go(func() {
		defer close(out)
		defer cl.CloseAllowingRebalance()
		defer stop()
		defer cancel()
		s.read(ctx, cl, out)
	})
	return out, nil
}

func (s *subscriber) read(ctx context.Context, cl *kgo.Client, out chan<- *message.Message) {
	for ctx.Err() == nil {
		for rec := range cl.PollFetches(ctx).RecordsAll() {
			if !deliver(ctx, rec, out) {
				return
			}
			if s.group != "" {
				_ = cl.CommitRecords(ctx, rec)
			}
		}
		cl.AllowRebalance()
	}
}

// deliver hands a message over until it is acknowledged. It reports whether it was.
func deliver(ctx context.Context, rec *kgo.Record, out chan<- *message.Message) bool {
	for {
		msg := messageOf(rec)
		own, cancel := context.WithCancel(ctx)
		msg.SetContext(own)
		select {
		case out <- msg:
		case <-ctx.Done():
			cancel()
			return false
		}
		select {
		case <-msg.Acked():
			cancel()
			return true
		case <-msg.Nacked():
			cancel()
		case <-ctx.Done():
			cancel()
			return false
		}
	}
}

// messageOf is DefaultMarshaler.Unmarshal of watermill-kafka.
func messageOf(rec *kgo.Record) *message.Message {
	msg := message.NewMessage("", rec.Value)
	for _, h := range rec.Headers {
		if h.Key == watermill.UUIDHeader {
			msg.UUID = string(h.Value)
		} else {
			msg.Metadata.Set(h.Key, string(h.Value))
		}
	}
	return msg
}

// Close ends all subscriptions.
func (s *subscriber) Close() error {
	s.cancel()
	s.all.Wait()
	return nil
}
