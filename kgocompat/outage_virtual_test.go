//go:build synctests

package kgocompat_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/internal/faultnet"
	"github.com/forebay-go/forebay/kgocompat"
	"github.com/forebay-go/forebay/producer"
)

// Through an outage of an hour, Produce takes no time, and each promise is called once: that of a
// record which has waited for its delivery timeout with an error, the others when Kafka is back.
func TestVirtual_ClientOutlivesAnHourWithoutKafka(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := new(kfake.VirtualNetwork)
		kafka, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(19092),
			kfake.ListenFn(network.Listen), kfake.SeedTopics(3, "plays"))
		require.NoError(t, err)
		defer kafka.Close()
		link := faultnet.New(network.DialContext)
		link.Cut()
		cl, err := kgocompat.NewClient(producer.Config{
			Clusters: map[string]producer.ClusterConfig{"events": {Brokers: kafka.ListenAddrs()}},
			Priorities: producer.PrioritiesConfig{
				Medium: producer.PriorityConfig{DeliveryTimeout: 30 * time.Minute}},
		}, kgocompat.WithProducer(producer.WithDialer(link.Dial)))
		require.NoError(t, err)
		defer cl.Close()

		errs := make(map[int32][]error) // by the minute in which the record was produced
		for minute := range int32(60) {
			began := time.Now()
			rec := &kgo.Record{Topic: "plays", Value: []byte{byte(minute)}}
			cl.Produce(t.Context(), rec, func(r *kgo.Record, err error) {
				errs[int32(r.Value[0])] = append(errs[int32(r.Value[0])], err)
			})
			require.Zero(t, time.Since(began))
			time.Sleep(time.Minute)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = cl.Flush(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "connection refused")
		err = cl.ProduceSync(ctx, &kgo.Record{Topic: "plays"}).FirstErr()
		require.ErrorIs(t, err, context.DeadlineExceeded)

		link.Restore()
		require.NoError(t, cl.Flush(t.Context()))
		require.Zero(t, cl.BufferedProduceRecords())
		require.Len(t, errs, 60)
		for minute, of := range errs {
			require.Len(t, of, 1, minute)
			switch {
			case minute < 30:
				require.ErrorIs(t, of[0], kgo.ErrRecordTimeout, minute)
			case minute > 33: // those in between may share a batch with older ones
				require.NoError(t, of[0], minute)
			}
		}
		require.NoError(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: "plays"}).FirstErr())
	})
}
