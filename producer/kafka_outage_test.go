//go:build unix

package producer_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/internal/kafkatest"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

func TestKafka_WhatWasSentBeforeTheBrokerCameIsThereOnce(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	c.CreateTopic(t, "events", 3)
	c.CreateTopic(t, "canary", 1)
	c.Broker(0).Stop(t)

	const records = 100_000
	begin := time.Now()
	tr := try(t, to(c))
	record := mixed("events")
	for i := range records {
		tr.send(t, record(i))
	}
	s := tr.Stats()
	require.EqualValues(t, records, s.Total.Pending)
	require.Equal(t, producer.Connecting, s.Clusters["events"].State)
	resume := measureResumption(t, tr, c, "canary")
	time.Sleep(time.Until(begin.Add(outage)))
	require.Zero(t, tr.Stats().Total.Delivered)
	resume.ends()
	back := time.Now()
	c.Broker(0).Start(t)
	resume.require(t)
	tr.flush(t)
	t.Logf("all %d delivered %v after the start of the broker began", records, time.Since(back).Round(time.Millisecond))
	tr.settleOnce(t, c, "events")
}

func TestKafka_LosesNothingWhenItsBrokerIsKilledInMidStream(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	c.CreateTopic(t, "events", 3)
	c.CreateTopic(t, "canary", 1)
	tr := try(t, to(c))
	stop := tr.stream(t, 10, mixed("events"))
	tr.awaitDelivered(t, 2000)

	c.Broker(0).Kill(t)
	killed := time.Now()
	resume := measureResumption(t, tr, c, "canary")
	tr.await(t, "the cluster is not down", func(s *producer.Stats) bool { return s.Clusters["events"].State == producer.Down })
	time.Sleep(time.Until(killed.Add(outage)))
	require.Greater(t, tr.Stats().Total.Pending, uint64(1000), "records were sent in the outage")
	resume.ends()
	c.Broker(0).Start(t)
	resume.require(t)
	tr.awaitDelivered(t, 2000)
	stop()
	require.Equal(t, producer.Up, tr.Stats().Clusters["events"].State)
	tr.settle(t, c, "events")
}

func TestKafka_LosesNothingWhenItsBrokerStopsAnswering(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	c.CreateTopic(t, "events", 3)
	c.CreateTopic(t, "canary", 1)
	tr := try(t, to(c))
	stop := tr.stream(t, 10, mixed("events"))
	tr.awaitDelivered(t, 2000)

	c.Broker(0).Pause(t)
	paused := time.Now()
	resume := measureResumption(t, tr, c, "canary")
	time.Sleep(time.Until(paused.Add(outage)))
	require.NotEqual(t, producer.Up, tr.Stats().Clusters["events"].State)
	resume.ends()
	c.Broker(0).Resume(t)
	resume.require(t)
	tr.awaitDelivered(t, 2000)
	stop()
	tr.settle(t, c, "events")
}

func TestKafka_RefusesAtOnceWhenFullAndDeliversWhatItTook(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	c.CreateTopic(t, "events", 3)
	c.Broker(0).Kill(t)
	tr := try(t, to(c, func(cfg *producer.Config) {
		cfg.Buffer.MaxBytes = 1 << 20
		cfg.Batching.MaxBytes = 64 << 10
	}))

	const attempts = 50_000
	refused := 0
	record := func(i int) producer.Record { return producer.Record{Topic: "events", Value: make([]byte, 20+i%200)} }
	for i := range attempts {
		if err := tr.ledger.Send(tr.Producer, record(i)); err != nil {
			require.ErrorIs(t, err, producer.ErrBufferFull)
			var se *producer.SendError
			require.True(t, errors.As(err, &se))
			require.Equal(t, "events", se.Topic)
			require.EqualValues(t, 1<<20, se.Limit)
			refused++
		}
	}
	s := tr.Stats()
	require.EqualValues(t, refused, s.Refused[producer.ErrBufferFull])
	require.EqualValues(t, attempts-refused, s.Total.Accepted)
	require.Equal(t, s.Total.Accepted, s.Total.Pending)
	require.LessOrEqual(t, s.HeldBytes, int64(1<<20))
	require.Greater(t, s.Total.Accepted, uint64(2000), "the room is used")
	require.Less(t, tr.ledger.LongestSend(), time.Second)
	t.Logf("%d accepted, %d refused, %d bytes held; longest Send %v", s.Total.Accepted, refused, s.HeldBytes, tr.ledger.LongestSend())

	c.Broker(0).Start(t)
	tr.flush(t)
	for i := range 1000 {
		tr.send(t, record(i)) // there is room again
	}
	tr.settleOnce(t, c, "events")
}

func TestKafka_ADeadClusterLeavesTheOtherPrioritiesAlone(t *testing.T) {
	t.Parallel()
	clusters := make(map[routing.Priority]*kafkatest.Cluster)
	cfg := producer.Config{Clusters: make(map[string]producer.ClusterConfig)}
	for _, p := range routing.All {
		clusters[p] = kafkatest.Start(t)
		clusters[p].CreateTopic(t, "events", 2)
		cfg.Clusters[p.String()] = producer.ClusterConfig{Brokers: clusters[p].Seeds()}
	}
	tr := try(t, cfg)
	send := func(n int) {
		record := mixed("events")
		for i := range n {
			for _, p := range routing.All {
				rec := record(i)
				rec.Priority = p
				tr.send(t, rec)
			}
		}
	}
	const first, second = 1000, 2000
	send(first)
	tr.flush(t)

	clusters[routing.High].Broker(0).Kill(t)
	send(second)
	tr.await(t, "low and medium are held up", func(s *producer.Stats) bool {
		return s.Priorities[routing.Low].Pending == 0 && s.Priorities[routing.Medium].Pending == 0 &&
			s.Clusters["high"].State == producer.Down
	})
	s := tr.Stats()
	require.EqualValues(t, first, s.Priorities[routing.High].Delivered)
	require.EqualValues(t, second, s.Priorities[routing.High].Pending)
	for _, p := range []routing.Priority{routing.Low, routing.Medium} {
		require.EqualValues(t, first+second, s.Priorities[p].Delivered)
		require.EqualValues(t, first+second, s.Clusters[p.String()].Delivered)
		require.Equal(t, producer.Up, s.Clusters[p.String()].State)
	}

	clusters[routing.High].Broker(0).Start(t)
	tr.flush(t)
	tr.close(t)
	for _, p := range routing.All {
		require.Len(t, tr.read(t, clusters[p], "events"), first+second, "%v", p)
	}
	tr.judge(t)
}

func TestKafka_KeepsKeysInOrderWhileItsLeadersGo(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t, kafkatest.Brokers(3))
	c.CreateTopic(t, "events", 6, kafkatest.Replication(3), kafkatest.TopicConfig("min.insync.replicas", "2"))
	tr := try(t, to(c))
	stop := tr.stream(t, 10, mixed("events"))
	for _, fault := range []struct {
		name       string
		begin, end func(*kafkatest.Broker, testing.TB)
	}{
		{"killed", (*kafkatest.Broker).Kill, (*kafkatest.Broker).Start},
		{"paused", (*kafkatest.Broker).Pause, (*kafkatest.Broker).Resume},
	} {
		tr.awaitDelivered(t, 2000)
		leader := c.Leader(t, "events", 0)
		fault.begin(leader, t)
		begin := time.Now()
		tr.flush(t) // two brokers are enough
		ours := time.Since(begin)
		t.Logf("broker %d %s: what was held is delivered after %v", leader.NodeID(), fault.name, ours.Round(time.Millisecond))
		fault.end(leader, t)
	}
	tr.awaitDelivered(t, 2000)
	stop()
	tr.settle(t, c, "events")
}

func TestKafka_HoldsATopicThatIsNotThereAndNoOther(t *testing.T) {
	t.Parallel()
	c := kafkatest.Shared(t)
	present, absent := kafkatest.TopicName(t), kafkatest.TopicName(t)
	c.CreateTopic(t, present, 2)
	tr := try(t, to(c))
	const records = 2000
	for i := range records {
		tr.send(t, mixed(absent)(i))
		tr.send(t, mixed(present)(i))
	}
	of := func(s *producer.Stats, name string) (b producer.Books) {
		for _, row := range s.Topics {
			if row.Topic == name {
				b.Add(&row.Books)
			}
		}
		return b
	}
	tr.await(t, "the topic that is there is held up", func(s *producer.Stats) bool { return of(s, present).Delivered == records })
	s := tr.Stats()
	require.EqualValues(t, records, of(&s, absent).Pending)
	require.Equal(t, producer.Up, s.Clusters["events"].State)

	c.CreateTopic(t, absent, 3)
	tr.flush(t)
	tr.settleOnce(t, c, present, absent)
}

func TestKafka_CloseInAnOutageReturnsByItsDeadlineWithTheNumberLeft(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	b := c.Broker(0)
	for _, fault := range []struct {
		name       string
		begin, end func(testing.TB)
	}{
		{"killed", b.Kill, b.Start},
		{"paused", b.Pause, b.Resume},
	} {
		t.Run(fault.name, func(t *testing.T) {
			c.CreateTopic(t, fault.name, 3)
			tr := try(t, to(c))
			const before, during = 1000, 5000
			record := mixed(fault.name)
			for i := range before {
				tr.send(t, record(i))
			}
			tr.flush(t)
			fault.begin(t)
			for i := range during {
				tr.send(t, record(i))
			}

			const deadline = 2 * time.Second
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			defer cancel()
			begin := time.Now()
			summary, err := tr.Close(ctx)
			took := time.Since(begin)
			t.Logf("Close took %v: %v", took, summary)
			require.ErrorIs(t, err, producer.ErrLeft)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.ErrorContains(t, err, "5000")
			require.Less(t, took, deadline+time.Second)
			require.EqualValues(t, before+during, summary.Accepted)
			require.EqualValues(t, before, summary.Delivered)
			require.EqualValues(t, during, summary.Left)
			require.EqualValues(t, during, summary.Lost[producer.ReasonClosed]+summary.Lost[producer.ReasonUnansweredClose])

			again, err := tr.Close(t.Context())
			require.NoError(t, err)
			require.Equal(t, summary, again)
			require.ErrorIs(t, tr.ledger.Send(tr.Producer, record(0)), producer.ErrClosed)
			require.EqualValues(t, 1, tr.Stats().Refused[producer.ErrClosed])

			fault.end(t)
			b.Await(t)
			tr.read(t, c, fault.name)
			tr.judge(t)
		})
	}
}
