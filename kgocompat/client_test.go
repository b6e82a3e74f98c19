package kgocompat

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/producertest"
)

func ignore(*kgo.Record, error) {}

// endedContext returns a context that has ended.
func endedContext() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func TestFlush_WaitsForThePromisesOfWhatWasProducedBeforeIt(t *testing.T) {
	var r producertest.Recorder
	c := Over(&r)
	hang, began := make(chan struct{}), make(chan struct{})
	var later atomic.Bool
	c.Produce(t.Context(), &kgo.Record{Topic: "plays"}, func(*kgo.Record, error) {
		close(began)
		<-hang
	})
	<-began
	first, second := c.pending.turn(), make(chan error, 1)
	c.Produce(t.Context(), &kgo.Record{Topic: "plays"}, func(*kgo.Record, error) { later.Store(true) })
	go func() { second <- c.Flush(context.WithoutCancel(t.Context())) }()
	select {
	case <-first:
		require.Fail(t, "a promise has not returned")
	case <-second:
		require.Fail(t, "a promise before it has not returned")
	case <-time.After(10 * time.Millisecond):
	}
	close(hang)
	<-first
	require.NoError(t, <-second)
	require.True(t, later.Load())
}

// Flush of kgo returns only when nothing is buffered, which may never be.
func TestFlush_ReturnsWhileOthersProduce(t *testing.T) {
	var r producertest.Recorder
	c := Over(&r)
	held := &kgo.Record{Topic: "held"}
	r.Script("held", producertest.Hold())
	c.Produce(t.Context(), &kgo.Record{Topic: "plays"}, ignore)
	over := c.pending.turn()
	c.Produce(t.Context(), held, ignore)
	<-over
	r.Release(producertest.Deliver())
	require.NoError(t, c.Flush(t.Context()))
}

func TestFlushAndClose_MayBeCalledByPromises(t *testing.T) {
	for _, topic := range []string{"refused", "delivered"} {
		t.Run(topic, func(t *testing.T) {
			k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "delivered"))
			require.NoError(t, err)
			defer k.Close()
			c, err := NewClient(producer.Config{Clusters: map[string]producer.ClusterConfig{"a": {Brokers: k.ListenAddrs()}}},
				WithProducer(producer.WithInterceptor(func(r *producer.Record) error {
					if r.Topic == "refused" {
						return errors.New("no")
					}
					return nil
				})), WithCloseTimeout(time.Minute))
			require.NoError(t, err)
			flushed := make(chan error, 1)
			c.Produce(t.Context(), &kgo.Record{Topic: topic}, func(*kgo.Record, error) {
				flushed <- c.Flush(context.WithoutCancel(t.Context()))
				c.Close()
			})
			require.NoError(t, <-flushed)
			c.Close()
			require.ErrorIs(t, c.ProduceSync(t.Context(), &kgo.Record{Topic: "delivered"}).FirstErr(), kgo.ErrClientClosed)
		})
	}
}

// Another callback of the producer may call Close, too.
func TestClose_MayBeCalledByACallbackOfTheProducer(t *testing.T) {
	k, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	defer k.Close()
	clients, closed := make(chan *Client, 1), make(chan struct{})
	c, err := NewClient(producer.Config{Clusters: map[string]producer.ClusterConfig{"a": {Brokers: k.ListenAddrs()}}},
		WithProducer(producer.WithEvents(func(producer.Event) {
			if c, ok := <-clients; ok {
				close(clients)
				c.Close()
				close(closed)
			}
		})), WithCloseTimeout(0))
	require.NoError(t, err)
	defer c.Close()
	clients <- c
	<-closed
	for c.ProduceSync(t.Context(), &kgo.Record{}).FirstErr() == nil ||
		!c.Producer().Stats().Closed {
		time.Sleep(time.Millisecond)
	}
}

func TestClose_DeliversWhatWaits(t *testing.T) {
	var r producertest.Recorder
	r.Script("plays", producertest.Hold())
	c := Over(&r, WithCloseTimeout(time.Minute), WithCloseTimeout(-1))
	told := make(chan error, 1)
	c.Produce(t.Context(), &kgo.Record{Topic: "plays"}, func(_ *kgo.Record, err error) { told <- err })
	time.AfterFunc(time.Millisecond, func() { r.Release(producertest.Deliver()) })
	c.Close()
	require.NoError(t, <-told)
}

func TestNewClient_RejectsWhatNewRejects(t *testing.T) {
	_, err := NewClient(producer.Config{}, nil)
	require.ErrorContains(t, err, "clusters")
	require.PanicsWithValue(t, "kgocompat: Over needs a producer", func() { Over(nil) })
}

func TestPing_SaysWhichClusterDoesNotAnswer(t *testing.T) {
	c, err := NewClient(producer.Config{Clusters: map[string]producer.ClusterConfig{"a": {Brokers: []string{"127.0.0.1:1"}}}})
	require.NoError(t, err)
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err = c.Ping(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "a is ")
	var r producertest.Recorder
	require.NoError(t, Over(&r).Ping(t.Context()))
	require.Nil(t, Over(&r).Producer())
	require.NotNil(t, c.Producer())
}
