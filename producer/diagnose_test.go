package producer

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/internal/cluster"
	"github.com/forebay-go/forebay/routing"
)

// The rule is that what keeps records waiting is told, also where nobody has thought of the cause.
func TestDiagnose_WhatNobodyExplainsIsToldToo(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	c, err := cluster.New(cluster.Config{Name: "main", Seeds: []string{"a:9092"}, Logger: zap.NewNop()})
	require.NoError(t, err)
	t.Cleanup(c.Discard)
	p := &Producer{log: zap.New(core), events: newEvents(nil, zap.NewNop())}
	d := &dispatcher{
		p: p, lane: &lane{p: p, priority: routing.Medium}, cluster: &site{Cluster: c}, log: p.log, ctx: context.Background(),
		cfg: new(Config), limits: PriorityConfig{DeliveryTimeout: time.Hour}, topics: make(map[string]*topicState),
		view: &cluster.View{State: cluster.Up, Topics: map[string]cluster.Topic{"events": {Partitions: make([]cluster.Partition, 1)}}},
	}
	topic, err := buffer.NewLane(buffer.Config{BatchBytes: 1 << 10, MaxTopics: 1, Outlet: func(string) *buffer.Outlet { return buffer.NewOutlet() }},
		buffer.NewBudget(1<<20), buffer.NewPool(1<<10, 1<<20)).Topic("events", 0)
	require.NoError(t, err)
	ts := &topicState{t: topic, name: "events", owned: true, count: 1}
	ts.add(0, 0, &brokerState{usable: true})
	d.topics["events"], d.active = ts, []*topicState{ts}
	look := func(from, to time.Duration) {
		for now := from; now <= to; now += lookEvery {
			d.complain(now, &alarm{now: now})
		}
	}
	began := time.Second
	ts.waiting = []buffer.Waiting{{Kind: buffer.Unkeyed, Partition: -1, Open: true, Oldest: began}}
	look(began, began+stuckAfter+tellAfter-time.Second)
	require.Zero(t, logs.Len(), "it may pass")
	look(began+stuckAfter+tellAfter, began+time.Hour)
	require.Equal(t, 1, logs.Len())
	require.Equal(t, string(CauseNoProgress), logs.All()[0].ContextMap()["cause"])
	require.Contains(t, d.troubles.of("events")[0].Reason, "no broker says why")

	ts.waiting[0].Oldest, ts.acked = began+time.Hour, began+time.Hour
	look(began+time.Hour, began+time.Hour+5*time.Second)
	require.Equal(t, "records wait no longer", logs.All()[1].Message)
	require.Empty(t, *d.troubles.shown.Load())
}

func TestCauses_EachIsListedAndHasWords(t *testing.T) {
	listed := make(map[Cause]bool)
	for _, cause := range Causes() {
		require.False(t, listed[cause], cause)
		listed[cause] = true
		_, has := remedies[cause]
		own := cause == CauseTopicNotCreated || cause == CausePartitionMissing || cause == CauseUnanswered // whose remedies have figures in them
		require.NotEqual(t, own, has, cause)
	}
	for cause := range remedies {
		require.True(t, listed[cause], cause)
	}
	for _, cause := range codeCauses {
		require.True(t, listed[cause], cause)
	}
}

func TestTeller_SumsWhatIsMoreThanAMinuteTakes(t *testing.T) {
	var tells teller
	told := 0
	for i := range 1000 {
		if tells.may(CauseTopicMissing, time.Hour+time.Duration(i)*time.Millisecond) {
			told++
		}
	}
	require.Equal(t, tellsPerMinute, told)
	n, _, due := tells.sum(time.Hour + time.Second)
	require.Equal(t, []any{0, time.Hour + time.Minute}, []any{n, due})
	n, causes, _ := tells.sum(time.Hour + time.Minute)
	require.Equal(t, []any{1000 - tellsPerMinute, "topic_missing: 990"}, []any{n, causes})
	require.True(t, tells.may(CauseNoLeader, time.Hour+time.Minute))
}
