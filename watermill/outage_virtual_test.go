//go:build synctests

package watermill_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/forebay-go/forebay/internal/faultnet"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/watermill"
)

// In an outage Publish takes no time; with WithWait it returns when Kafka is back.
func TestVirtual_PublishOutlivesAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := new(kfake.VirtualNetwork)
		kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(19092),
			kfake.ListenFn(network.Listen), kfake.SeedTopics(1, "plays"))
		require.NoError(t, err)
		defer kafka.Close()
		link := faultnet.New(network.DialContext)
		link.Cut()
		p, err := producer.New(producer.Config{Clusters: map[string]producer.ClusterConfig{
			"events": {Brokers: kafka.ListenAddrs()}}}, producer.WithDialer(link.Dial))
		require.NoError(t, err)
		publisher := watermill.NewPublisher(p)
		defer publisher.Close()
		waiting := watermill.NewPublisher(p, watermill.WithWait(), watermill.WithSharedProducer())

		began := time.Now()
		for range 100 {
			require.NoError(t, publisher.Publish("plays", message.NewMessage("1", []byte("a"))))
		}
		require.Zero(t, time.Since(began))
		time.AfterFunc(5*time.Minute, link.Restore)
		require.NoError(t, waiting.Publish("plays", message.NewMessage("2", []byte("b"))))
		require.Greater(t, time.Since(began), 5*time.Minute)
		require.NoError(t, waiting.Close())
		require.EqualValues(t, 101, p.Stats().Total.Delivered)

		link.Cut()
		kafka.Close()
		msg := message.NewMessage("3", nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		msg.SetContext(ctx)
		again := watermill.NewPublisher(p, watermill.WithWait())
		require.ErrorIs(t, again.Publish("plays", msg), context.DeadlineExceeded)
		require.ErrorIs(t, again.Close(), producer.ErrLeft)
	})
}
