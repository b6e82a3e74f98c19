//go:build unix

package producer_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
	"github.com/forebay-go/forebay/test/kafkatest"
	"github.com/forebay-go/forebay/test/proof"
)

func TestKafka_F1_WhatWasSentBeforeTheBrokerCameIsThereOnce(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	c.CreateTopic(t, "events", 3)
	c.CreateTopic(t, "canary", 1)
	c.Broker(0).Stop(t)

	const records = 100_000
	begin := time.Now()
	proven, link := proof.Of(t, "F1"), newLink()
	tr := try(t, to(c), producer.WithDialer(link.Dial))
	proven.Held("I2", 1)
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
	proven.Bit("connections refused", link.Dials())
	resume.ends()
	back := time.Now()
	c.Broker(0).Start(t)
	resume.require(t, proven)
	tr.flush(t)
	proven.Figure("100,000 records delivered after the start of the broker began", "%v",
		time.Since(back).Round(time.Millisecond))
	tr.settleOnce(t, c, "events")
	tr.ledger.Prove(proven)
	proven.Held("I10", records)
}

func TestKafka_F4_LosesNothingWhenItsBrokerIsKilledInMidStream(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	c.CreateTopic(t, "events", 3)
	c.CreateTopic(t, "canary", 1)
	proven := proof.Of(t, "F4", "F5")
	tr := try(t, to(c))
	stop := tr.stream(t, 10, mixed("events"))
	tr.awaitDelivered(t, 2000)

	c.Broker(0).Kill(t)
	killed := time.Now()
	resume := measureResumption(t, tr, c, "canary")
	tr.await(t, "the cluster is not down",
		func(s *producer.Stats) bool { return s.Clusters["events"].State == producer.Down })
	time.Sleep(time.Until(killed.Add(outage)))
	waiting := tr.Stats().Total.Pending
	require.Greater(t, waiting, uint64(1000), "records were sent in the outage")
	proven.Bit("brokers killed, the only one of their cluster", 1)
	resume.ends()
	c.Broker(0).Start(t)
	resume.require(t, proven)
	tr.awaitDelivered(t, 2000)
	stop()
	require.Equal(t, producer.Up, tr.Stats().Clusters["events"].State)
	tr.settle(t, c, "events")
	tr.ledger.Prove(proven)
	proven.Held("I10", waiting)
}

func TestKafka_F3_LosesNothingWhenItsBrokerStopsAnswering(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	c.CreateTopic(t, "events", 3)
	c.CreateTopic(t, "canary", 1)
	proven := proof.Of(t, "F3")
	tr := try(t, to(c))
	stop := tr.stream(t, 10, mixed("events"))
	tr.awaitDelivered(t, 2000)

	c.Broker(0).Pause(t)
	paused := time.Now()
	resume := measureResumption(t, tr, c, "canary")
	time.Sleep(time.Until(paused.Add(outage)))
	require.NotEqual(t, producer.Up, tr.Stats().Clusters["events"].State)
	waiting := tr.Stats().Total.Pending
	proven.Bit("brokers stopped by SIGSTOP for 10 s", 1)
	resume.ends()
	c.Broker(0).Resume(t)
	resume.require(t, proven)
	tr.awaitDelivered(t, 2000)
	stop()
	tr.settle(t, c, "events")
	tr.ledger.Prove(proven)
	proven.Held("I10", waiting)
}

func TestKafka_F5_RefusesAtOnceWhenFullAndDeliversWhatItTook(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t)
	c.CreateTopic(t, "events", 3)
	proven := proof.Of(t, "F5")
	c.Broker(0).Kill(t)
	tr := try(t, to(c, func(cfg *producer.Config) {
		cfg.Buffer.MaxBytes = 1 << 20
		cfg.Batching.MaxBytes = 64 << 10
	}))

	const attempts = 50_000
	refused := 0
	record := func(i int) producer.Record {
		return producer.Record{Topic: "events", Value: make([]byte, 20+i%200)}
	}
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
	require.Less(t, tr.ledger.LongestSend(), atOnce)
	proven.Bit("brokers killed, the only one of their cluster", 1)
	proven.Bit("records refused, for the buffer was full", int64(refused))

	c.Broker(0).Start(t)
	tr.flush(t)
	for i := range 1000 {
		tr.send(t, record(i)) // there is room again
	}
	tr.settleOnce(t, c, "events")
	tr.ledger.Prove(proven)
	proven.Held("I1", attempts)
	proven.Held("I10", s.Total.Accepted)
}

func TestKafka_F5_ADeadClusterLeavesTheOtherPrioritiesAlone(t *testing.T) {
	t.Parallel()
	clusters := make(map[routing.Priority]*kafkatest.Cluster)
	cfg := producer.Config{Clusters: make(map[string]producer.ClusterConfig)}
	for _, p := range routing.All {
		var opts []kafkatest.Option
		if p != routing.High { // whose broker is killed
			opts = append(opts, kafkatest.Steady())
		}
		clusters[p] = kafkatest.Start(t, opts...)
		clusters[p].CreateTopic(t, "events-"+p.String(), 2)
		cfg.Clusters[p.String()] = producer.ClusterConfig{Brokers: clusters[p].Seeds()}
	}
	proven := proof.Of(t, "F5")
	tr := try(t, cfg)
	send := func(n int) {
		for i := range n {
			for _, p := range routing.All {
				rec := mixed("events-" + p.String())(i)
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
		return s.Priorities[routing.Low].Pending == 0 &&
			s.Priorities[routing.Medium].Pending == 0 &&
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

	proven.Bit("brokers killed, the only one of their cluster", 1)
	clusters[routing.High].Broker(0).Start(t)
	tr.flush(t)
	tr.close(t)
	for _, p := range routing.All {
		require.Len(t, tr.read(t, clusters[p], "events-"+p.String()), first+second, "%v", p)
	}
	tr.judge(t)
	tr.ledger.Prove(proven)
	proven.Held("I10", second)
}

func TestKafka_F4_KeepsKeysInOrderWhileItsLeadersGo(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t, kafkatest.Brokers(3))
	c.CreateTopic(t, "events", 6, kafkatest.Replication(3),
		kafkatest.TopicConfig("min.insync.replicas", "2"))
	proven := proof.Of(t, "F3", "F4")
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
		proven.Bit("leaders "+fault.name, 1)
		proven.Figure("what was held is delivered after a leader was "+fault.name, "%v",
			ours.Round(time.Millisecond))
		fault.end(leader, t)
	}
	tr.awaitDelivered(t, 2000)
	stop()
	tr.settle(t, c, "events")
	tr.ledger.Prove(proven)
	proven.Held("I10", tr.ledger.Accepted())
}

func TestKafka_F10_HoldsATopicThatIsNotThereAndNoOther(t *testing.T) {
	t.Parallel()
	c := kafkatest.Shared(t)
	present, absent := kafkatest.TopicName(t), kafkatest.TopicName(t)
	c.CreateTopic(t, present, 2)
	proven := proof.Of(t, "F10")
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
	tr.await(t, "the topic that is there is held up",
		func(s *producer.Stats) bool { return of(s, present).Delivered == records })
	s := tr.Stats()
	require.EqualValues(t, records, of(&s, absent).Pending)
	require.Equal(t, producer.Up, s.Clusters["events"].State)
	proven.Bit("records held for a topic that is not there", records)

	c.CreateTopic(t, absent, 3)
	tr.flush(t)
	tr.settleOnce(t, c, present, absent)
	tr.ledger.Prove(proven)
	proven.Held("I10", records)
}

func TestKafka_F17_CloseInAnOutageReturnsByItsDeadlineWithTheNumberLeft(t *testing.T) {
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
			proven := proof.Of(t, "F17")
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
			proven.Figure("Close by a deadline of 2 s", "%v", took.Round(time.Millisecond))
			require.ErrorIs(t, err, producer.ErrLeft)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.ErrorContains(t, err, "5000")
			require.Less(t, took, deadline+time.Second)
			require.EqualValues(t, before+during, summary.Accepted)
			require.EqualValues(t, before, summary.Delivered)
			require.EqualValues(t, during, summary.Left)
			require.EqualValues(t, during,
				summary.Lost[producer.ReasonClosed]+summary.Lost[producer.ReasonUnansweredClose])

			again, err := tr.Close(t.Context())
			require.NoError(t, err)
			require.Equal(t, summary, again)
			require.ErrorIs(t, tr.ledger.Send(tr.Producer, record(0)), producer.ErrClosed)
			require.EqualValues(t, 1, tr.Stats().Refused[producer.ErrClosed])

			proven.Bit("brokers "+fault.name+" before Close", 1)
			proven.Bit("records left by Close", during)
			proven.Held("I14", 1)

			fault.end(t)
			b.Await(t)
			tr.read(t, c, fault.name)
			tr.judge(t)
			tr.ledger.Prove(proven)
		})
	}
}
