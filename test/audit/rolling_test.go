//go:build unix

package audit_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/audit"
	"github.com/forebay-go/forebay/test/kafkatest"
)

func (s *stage) agent(t *testing.T, role audit.Role, instance string) *audit.Agent {
	cfg := audit.AgentConfig{Role: role, Instance: instance, StatementTopic: s.statements,
		Interval: interval, Group: s.topic, Drain: 2 * time.Minute}
	if role == audit.Consume {
		cfg.Topics = []string{s.topic}
	} else {
		cfg.Loads = []audit.Load{{Topic: s.topic, RecordsPerSecond: 1000, Keys: 20}}
	}
	a, err := audit.NewAgent(cfg, s.settings(), audit.Clusters{Topics: s.options(),
		Statements: s.options()}, nil)
	require.NoError(t, err)
	return a
}

// seen waits until readers have seen so many more records.
func (s *stage) seen(t *testing.T, f *audit.Follower, more uint64) {
	t.Helper()
	now := f.Ledger().Report(time.Now()).Total.Seen
	until(t, f, func(r *audit.Report) bool { return r.Total.Seen >= now+more })
}

// Every broker is restarted, again and again, readers come and go, and the topic grows, while two
// instances produce and two consume: nothing is found, because nothing is wrong.
func TestKafka_F21_NothingIsFoundInARollingRestart(t *testing.T) {
	t.Parallel()
	s := newStage(t, kafkatest.Start(t, kafkatest.Brokers(3),
		kafkatest.Property("min.insync.replicas", "2"),
		kafkatest.Property("offsets.topic.replication.factor", "3")))
	producing, stopProducing := context.WithCancel(context.Background())
	consuming, stopConsuming := context.WithCancel(context.Background())
	defer stopConsuming()
	defer stopProducing()
	passing := rollingRestarts * len(s.Brokers())
	reports := make(chan *audit.Report, 3+passing)
	run := func(ctx context.Context, role audit.Role, instance string) {
		a := s.agent(t, role, instance)
		go func() { reports <- a.Run(ctx, nil) }()
	}
	run(producing, audit.Both, "both-1")
	run(producing, audit.Produce, "produce-1")
	run(consuming, audit.Consume, "consume-1")
	f := s.follow(t)
	s.seen(t, f, 500)
	for i := range passing {
		b := s.Broker(i % len(s.Brokers()))
		b.Stop(t)
		s.seen(t, f, 1000)
		b.Start(t)
		short, stop := context.WithCancel(context.Background())
		defer stop()
		run(short, audit.Consume, "passing")
		s.seen(t, f, 1000)
		stop()
		if i%15 == 0 {
			_, err := s.Admin(t).CreatePartitions(soon(t), 2, s.topic)
			require.NoError(t, err)
		}
	}
	stopProducing()
	var last *audit.Report
	for range 2 + passing { // those that produce, and those that passed
		if r := <-reports; r != nil {
			last = r
		}
	}
	require.NotNil(t, last)
	r := until(t, f, decided)
	require.Equal(t, audit.Whole, r.Verdict(), "%+v", r.Total)
	require.Equal(t, r.Total.Numbered, r.Total.Delivered, "%+v", r.Total)
	stopConsuming()
	r = <-reports
	require.Equal(t, audit.Whole, r.Verdict(), "%+v", r.Total)
}
