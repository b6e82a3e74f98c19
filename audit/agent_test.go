package audit

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/forebay-go/forebay/producer"
)

func (r *rig) agent(cfg AgentConfig) *Agent {
	cfg.Interval = leastInterval
	a, err := NewAgent(cfg, producer.Config{Clusters: map[string]producer.ClusterConfig{
		"kafka": {Brokers: r.brokers}}}, Clusters{Topics: []kgo.Opt{kgo.SeedBrokers(r.brokers...)},
		Statements: []kgo.Opt{kgo.SeedBrokers(r.brokers...)}}, nil)
	require.NoError(r.t, err)
	return a
}

func TestAgent_BothSendsReadsAndFindsNothing(t *testing.T) {
	r := newRig(t)
	a := r.agent(AgentConfig{Role: Both, Instance: "a", Duration: time.Second,
		Loads: []Load{{Topic: "views", RecordsPerSecond: 2000, Keys: 10}}})
	rep := a.Run(context.Background(), nil)
	require.Equal(t, Whole, rep.Verdict(), "%+v", rep.Total)
	require.Equal(t, a.Loads()[0].Sent, rep.Total.Seen)
	require.Positive(t, rep.Total.Seen)
	require.True(t, rep.Rows[0].Closed)
	require.True(t, rep.Sources[0].Ended)
}

// Two instances produce and two others consume. One that consumes says what became of the records
// of both.
func TestAgent_InstancesAuditTogether(t *testing.T) {
	r := newRig(t)
	loads := []Load{{Topic: "views", RecordsPerSecond: 1000}}
	producers := []*Agent{r.agent(AgentConfig{Role: Produce, Instance: "p1", Loads: loads,
		Duration: time.Second}), r.agent(AgentConfig{Role: Produce, Instance: "p2", Loads: loads,
		Duration: time.Second})}
	consumers := []*Agent{r.agent(AgentConfig{Role: Consume, Instance: "c1", Topics: []string{"views"}}),
		r.agent(AgentConfig{Role: Consume, Instance: "c2", Topics: []string{"views"}})}
	stop, cancel := context.WithCancel(context.Background())
	reports := make(chan *Report)
	for _, c := range consumers {
		go func() { reports <- c.Run(stop, nil) }()
	}
	done := make(chan uint64)
	for _, p := range producers {
		go func() {
			p.Run(context.Background(), nil)
			done <- p.Loads()[0].Sent
		}()
	}
	sent := <-done + <-done
	require.Eventually(t, func() bool { return consumers[0].Report().Total.Numbered == sent },
		time.Minute, 10*time.Millisecond)
	cancel()
	for range consumers {
		rep := <-reports
		require.Equal(t, Whole, rep.Verdict(), "%+v", rep.Total)
		require.Equal(t, sent, rep.Total.Seen)
		require.Len(t, rep.Sources, 2)
	}
}

// Heartbeats have no numbers, so an agent that only consumes has nothing to wait for at its end.
func TestAgent_OneThatWatchesBrokersEndsAtOnce(t *testing.T) {
	r := newRig(t)
	_, err := CreateHeartbeatTopic(r.soon(), HeartbeatTopic, kgo.SeedBrokers(r.brokers...))
	require.NoError(t, err)
	a := r.agent(AgentConfig{Role: Consume, Topics: []string{"views"},
		Heartbeat: &HeartbeatConfig{Interval: leastInterval}, Drain: time.Hour})
	work, stop := context.WithCancel(r.soon())
	go func() {
		defer stop()
		for work.Err() == nil && !beats(a) {
			time.Sleep(10 * time.Millisecond)
		}
	}()
	hurry := r.soon()
	rep := a.Run(work, hurry)
	require.NoError(t, hurry.Err(), "it has waited")
	require.True(t, beats(a))
	require.Zero(t, a.source.Stats().Stamped)
	require.Zero(t, rep.Open())
}

// beats reports whether an agent has sent a heartbeat that was acknowledged.
func beats(a *Agent) bool {
	return slices.ContainsFunc(a.Brokers(), func(b BrokerReport) bool {
		return slices.ContainsFunc(b.Partitions, func(p HeartbeatReport) bool { return p.Acknowledged.Last > 0 })
	})
}

// A statement topic that does not exist is logged once in a while, with the remedy.
func TestFollower_NamesTheRemedyForAMissingTopic(t *testing.T) {
	r := newRig(t)
	core, logs := observer.New(zap.WarnLevel)
	f, err := Follow("missing", zap.New(core), kgo.SeedBrokers(r.brokers...))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return logs.Len() > 0 }, time.Minute, 10*time.Millisecond)
	time.Sleep(2 * time.Second)
	f.Close()
	require.Equal(t, 1, logs.Len())
	require.Contains(t, logs.All()[0].ContextMap()["error"], "forebay audit init")
}

// thief is an observer that takes the header of one record away: something else stands in its
// place. It remembers that of another one.
type thief struct {
	*Source
	sent        atomic.Uint64
	steal, copy uint64 // which ones, from 1
	copied      []byte
}

func (th *thief) Sending(out *producer.Outgoing) {
	th.Source.Sending(out)
	if out.Topic != "views" {
		return
	}
	switch th.sent.Add(1) {
	case th.steal:
		out.Headers = nil
	case th.copy:
		th.copied = slices.Clone(out.Headers[len(out.Headers)-1].Value)
	}
}

func TestReader_FindsTheOneThatIsLostAndTheOneThatIsThereTwice(t *testing.T) {
	r := newRig(t)
	s, err := NewSource(SourceConfig{Instance: "shop", Interval: leastInterval})
	require.NoError(t, err)
	th := &thief{Source: s, steal: 778, copy: 1235}
	p := r.producer(producer.WithObserver(th))
	s.Start(p)
	f := r.follow()
	reader := r.reader(f, r.producer())
	const n = 2000
	for range n {
		require.NoError(t, p.Send(producer.Record{Topic: "views", Value: []byte("v")}))
	}
	r.finish(p, s)
	client, err := kgo.NewClient(kgo.SeedBrokers(r.brokers...))
	require.NoError(t, err)
	defer client.Close()
	require.NoError(t, client.ProduceSync(r.soon(), &kgo.Record{Topic: "views",
		Headers: []kgo.RecordHeader{{Key: HeaderKey, Value: th.copied}}}).FirstErr())

	rep := r.eventually(f, func(rep *Report) bool {
		return rep.Total.Unexplained > 0 && rep.Total.Suspect > 0
	})
	require.Zero(t, rep.Total.Lost, "a statement may be on its way")
	require.NoError(t, reader.Close(r.soon()))
	f.Close()
	f.Ledger().Judge(time.Now(), true)
	rep = f.Ledger().Report(time.Now())
	require.Equal(t, Faulty, rep.Verdict())
	require.Equal(t, uint64(1), rep.Total.Lost)
	require.Equal(t, uint64(1), rep.Total.Unexplained)
	require.Equal(t, uint64(1), rep.Total.Copies)
	var examples []uint64
	for _, row := range rep.Rows { // two, where a bucket has ended meanwhile
		examples = append(examples, row.Examples...)
	}
	require.Equal(t, []uint64{777, 1234}, examples)
	require.Equal(t, uint64(1), bare(rep))
	require.InDelta(t, 1-1.0/n, rep.Total.Completeness(), 1e-9)
}

func bare(rep *Report) (n uint64) {
	for _, p := range rep.Partitions {
		n += p.Bare
	}
	return n
}

func TestAgentConfig_SaysEveryMistake(t *testing.T) {
	for text, c := range map[string]AgentConfig{
		`role: "": write produce, consume or both`:                           {},
		`loads: empty: role both needs the traffic to make`:                  {Role: Both},
		`topics: role produce reads none`:                                    {Role: Produce, Topics: []string{"a"}, Loads: []Load{{Topic: "a", RecordsPerSecond: 1}}},
		`topics: "forebay-audit" is the statement topic: take it out`:        {Role: Consume, Topics: []string{"a", "forebay-audit"}},
		`loads: role consume makes no traffic`:                               {Role: Consume, Loads: []Load{{Topic: "a", RecordsPerSecond: 1}}},
		`topics: empty: write the topics to read`:                            {Role: Consume},
		"take them out, or write role both\ntopics: empty: write the topics": {Role: Consume, Loads: []Load{{Topic: "a", RecordsPerSecond: 1}}},
		`topics[0]: "a b": the name of the topic has a character other than`: {Role: Consume, Topics: []string{"a b"}},
		`loads[0].topic: "": the topic has no name`:                          {Role: Produce, Loads: []Load{{RecordsPerSecond: 1}}},
		`loads[0].records_per_second: 0: write a rate of up to 1000000`:      {Role: Produce, Loads: []Load{{Topic: "a"}}},
		`loads[1].topic: "a" has a load already`:                             {Role: Produce, Loads: []Load{{Topic: "a", RecordsPerSecond: 1}, {Topic: "a", RecordsPerSecond: 1}}},
		`start: "now": write earliest or latest`:                             {Role: Consume, Topics: []string{"a"}, Start: "now"},
		`interval: 1ms: write 100ms to 1m0s`:                                 {Role: Consume, Topics: []string{"a"}, Interval: time.Millisecond},
		`duration: -1s: write a time`:                                        {Role: Consume, Topics: []string{"a"}, Duration: -time.Second},
		`instance: "a/b": write at most 200 characters without a slash`:      {Role: Consume, Topics: []string{"a"}, Instance: "a/b"},
		`statement_topic: "a b": the name`:                                   {Role: Consume, Topics: []string{"a"}, StatementTopic: "a b"},
	} {
		require.ErrorContains(t, c.Check(), text)
	}
	require.NoError(t, AgentConfig{Role: Consume, Topics: []string{"a"}}.Check())
}

// Each mistake is said once, of the setting that somebody has written.
func TestAgentConfig_SaysEachMistakeOnce(t *testing.T) {
	load := func(topic string) Load { return Load{Topic: topic, RecordsPerSecond: 1} }
	beat := func(topic string) *HeartbeatConfig { return &HeartbeatConfig{Topic: topic} }
	for text, c := range map[string]AgentConfig{
		"interval: 1ms: write 100ms to 1m0s": {Interval: time.Millisecond, Loads: []Load{load("a")}},
		`loads[0].topic: "a b"`:              {Loads: []Load{load("a b")}},
		`loads[0].topic: `:                   {Loads: []Load{load("")}},
		`loads[1].topic: "a" has a load`:     {Loads: []Load{load("a"), load("a")}},
		`topics[0]: "a b"`:                   {Loads: []Load{load("a")}, Topics: []string{"a b"}},
		`start: "now": write`:                {Loads: []Load{load("a")}, Start: "now"},
		`loads[0].topic: "forebay-audit" is the statement topic: write another`:  {Loads: []Load{load("forebay-audit")}},
		`heartbeat.topic: "forebay-audit" is the statement topic: write another`: {Loads: []Load{load("a")}, Heartbeat: beat("forebay-audit")},
		`heartbeat.topic: "a" is audited: write another`:                         {Loads: []Load{load("a")}, Heartbeat: beat("a")},
		`heartbeat.topic: "b" is audited: write another`:                         {Loads: []Load{load("a")}, Topics: []string{"b"}, Heartbeat: beat("b")},
	} {
		c.Role, c.Instance = Both, "i"
		err := c.Check()
		require.Error(t, err, text)
		require.True(t, strings.HasPrefix(err.Error(), text), "%v", err)
		require.NotContains(t, err.Error(), "\n", text)
	}
}

func TestAgentConfig_NamesWhereEachMistakeIs(t *testing.T) {
	err := AgentConfig{Role: Both, Loads: []Load{{Topic: "a", RecordsPerSecond: -1, Keys: -2}},
		Heartbeat: &HeartbeatConfig{Interval: -1, Slow: 1}}.Check()
	require.ErrorContains(t, err, "\nloads[0].keys: -2")
	require.ErrorContains(t, err, "\nheartbeat.slow: 1ns")
}

// An instance that was killed before an agent began neither has it wait nor spoils its verdict.
func TestAgent_TheDeadOfBeforeAreNoPartOfItsVerdict(t *testing.T) {
	r := newRig(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(r.brokers...))
	require.NoError(t, err)
	defer client.Close()
	killed := time.Now().Add(-time.Hour)
	dead := life{instance: "dead", run: runAt(killed), interval: time.Second}
	h := Header{Instance: IDOf("dead"), Run: dead.run, Bucket: BucketOf(time.Now()), Intended: killed}
	c := claim{instance: "dead", run: dead.run, topic: "views", bucket: h.Bucket, next: 5}
	require.NoError(t, client.ProduceSync(r.soon(),
		&kgo.Record{Topic: "views", Headers: []kgo.RecordHeader{{Key: HeaderKey, Value: h.AppendTo(nil)}}},
		&kgo.Record{Topic: StatementTopic, Key: dead.key(), Value: dead.encode(), Timestamp: killed},
		&kgo.Record{Topic: StatementTopic, Key: c.key(), Value: c.encode(), Timestamp: killed}).FirstErr())
	a := r.agent(AgentConfig{Role: Both, Instance: "living", Duration: time.Second, Drain: time.Hour,
		Loads: []Load{{Topic: "views", RecordsPerSecond: 500}}})
	hurry := r.soon()
	rep := a.Run(context.Background(), hurry)
	require.NoError(t, hurry.Err(), "it did not wait for drain")
	if len(rep.Rows) == 1 { // a new bucket has begun
		t.Skip("the ten minutes were over")
	}
	before, since := rep.Stranded()
	require.Equal(t, []uint64{5, 0}, []uint64{before, since}, "%+v", rep.Rows)
	require.Equal(t, Whole, rep.Verdict(), "%+v", rep.Total)
	require.Equal(t, uint64(5), rep.Total.Open())
}
