package dispatch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/internal/cluster"
)

// complain has d look why records wait, and returns when it wants to look again.
func complain(d *core, now time.Duration) time.Duration {
	*d.pass = pass{Settings: d.lane.settings(), now: now, at: now + time.Hour}
	d.troubles.complain()
	return d.pass.at
}

// newTestTopic returns a topic that no dispatcher looks at.
func newTestTopic(t *testing.T) *buffer.Topic {
	topic, err := newTestLane().Topic("events", 0)
	require.NoError(t, err)
	return topic
}

// The rule is that what keeps records waiting is told, also where nobody has thought of the cause.
func TestDiagnose_WhatNobodyExplainsIsToldToo(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	c, err := cluster.New(cluster.Config{Name: "main", Seeds: []string{"a:9092"},
		Logger: zap.NewNop()})
	require.NoError(t, err)
	t.Cleanup(c.Discard)
	d := newTestCore(t, c, zap.New(core))
	d.view = &cluster.View{State: cluster.Up,
		Topics: map[string]cluster.Topic{"events": {Partitions: make([]cluster.Partition, 1)}}}
	ts := &topicState{t: newTestTopic(t), cfg: newTestLane().Config(), name: "events",
		owned: true, count: 1}
	ts.add(0, 0, &brokerState{usable: true})
	d.topics["events"], d.active = ts, []*topicState{ts}
	look := func(from, to time.Duration) {
		for now := from; now <= to; now += lookEvery {
			complain(d, now)
		}
	}
	began := time.Second
	ts.waiting = []buffer.Waiting{{Kind: buffer.Unkeyed, Partition: -1, Open: true, Oldest: began}}
	look(began, began+stuckAfter+tellAfter-time.Second)
	require.Zero(t, logs.Len(), "it may pass")
	look(began+stuckAfter+tellAfter, began+time.Hour)
	require.Equal(t, 1, logs.Len())
	require.Equal(t, string(delivery.CauseNoProgress), logs.All()[0].ContextMap()["cause"])
	require.Contains(t, d.troubles.of("events")[0].Reason, "no broker says why")

	ts.waiting[0].Oldest, ts.acked = began+time.Hour, began+time.Hour
	look(began+time.Hour, began+time.Hour+5*time.Second)
	require.Equal(t, "records wait no longer", logs.All()[1].Message)
	require.Empty(t, *d.troubles.shown.Load())
}

func TestDiagnose_AMissingTopicIsToBeCreatedByUsOrByTheUser(t *testing.T) {
	for remedy, create := range map[string]*cluster.Creation{
		"it is being created": {},
		"create the topic":    nil,
	} {
		c, err := cluster.New(cluster.Config{Name: "main", Seeds: []string{"a:9092"},
			Create: create, Logger: zap.NewNop()})
		require.NoError(t, err)
		t.Cleanup(c.Discard)
		d := newTestCore(t, c, zap.NewNop())
		d.view = &cluster.View{State: cluster.Up,
			Topics: map[string]cluster.Topic{"events": {Err: kerr.UnknownTopicOrPartition}}}
		ts := &topicState{t: newTestTopic(t), cfg: newTestLane().Config(), name: "events",
			owned: true,
			waiting: []buffer.Waiting{{Kind: buffer.Unkeyed, Partition: -1, Sealed: true,
				Oldest: time.Second}}}
		d.topics["events"], d.active = ts, []*topicState{ts}
		complain(d, time.Minute)
		found := d.troubles.of("events")
		require.NotEmpty(t, found)
		require.Equal(t, delivery.CauseTopicMissing, found[0].Cause)
		require.Contains(t, found[0].Remedy, remedy)
	}
}

func TestCauses_EachIsListedAndHasWords(t *testing.T) {
	listed := make(map[delivery.Cause]bool)
	for _, cause := range delivery.Causes() {
		require.False(t, listed[cause], cause)
		listed[cause] = true
		_, has := remedies[cause]
		// whose remedies have figures in them
		own := cause == delivery.CauseTopicNotCreated || cause == delivery.CausePartitionMissing ||
			cause == delivery.CauseUnanswered
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
		if tells.may(delivery.CauseTopicMissing, time.Hour+time.Duration(i)*time.Millisecond) {
			told++
		}
	}
	require.Equal(t, tellsPerMinute, told)
	n, _, due := tells.sum(time.Hour + time.Second)
	require.Equal(t, []any{0, time.Hour + time.Minute}, []any{n, due})
	n, causes, _ := tells.sum(time.Hour + time.Minute)
	require.Equal(t, []any{1000 - tellsPerMinute, "topic_missing: 990"}, []any{n, causes})
	require.True(t, tells.may(delivery.CauseNoLeader, time.Hour+time.Minute))
}

// A topic may have thousands of partitions that all wait, and a cluster without rest a new view
// every 20 ms: looking at that must not take the dispatcher's time.
func TestDiagnose_ThousandsOfPartitionsAreLookedAtInOneGo(t *testing.T) {
	c, err := cluster.New(cluster.Config{Name: "main", Seeds: []string{"a:9092"},
		Logger: zap.NewNop()})
	require.NoError(t, err)
	t.Cleanup(c.Discard)
	const count = 1000
	view := cluster.View{State: cluster.Up,
		Topics: map[string]cluster.Topic{"events": {Partitions: make([]cluster.Partition, count)}}}
	d := newTestCore(t, c, zap.NewNop())
	d.view = &view
	ts := &topicState{t: newTestTopic(t), cfg: newTestLane().Config(), name: "events",
		owned: true, count: count}
	for i := range int32(count) {
		ts.add(i, 0, nil)
		ts.waiting = append(ts.waiting, buffer.Waiting{Kind: buffer.Keyed, Partition: i,
			Sealed: true, Oldest: time.Second},
			buffer.Waiting{Kind: buffer.Explicit, Partition: count + i, Sealed: true,
				Oldest: time.Second})
	}
	d.topics["events"], d.active = ts, []*topicState{ts}
	now := time.Minute
	complain(d, now)
	found := d.troubles.of("events")
	require.Len(t, found, 2)
	require.Equal(t, delivery.CauseNoLeader, found[0].Cause)
	require.Contains(t, found[0].Reason, "partitions 0, 1, 2, 3, 4 and 995 more")
	require.Len(t, found[0].parts, count)
	require.Equal(t, delivery.CausePartitionMissing, found[1].Cause)
	require.Contains(t, found[1].Reason,
		"partitions 1000, 1001, 1002, 1003, 1004 and 995 more do not exist: the topic has 1000")
	require.Less(t, testing.AllocsPerRun(5, func() {
		now += time.Second
		complain(d, now)
	}), 500.0, "less than one for each partition")

	looks, last := 0, d.troubles.looked
	for end := now + time.Second; now < end; now += 10 * time.Millisecond {
		another := view
		d.view = &another
		require.LessOrEqual(t, complain(d, now), now+lookEvery)
		if d.troubles.looked != last {
			looks, last = looks+1, d.troubles.looked
		}
	}
	require.InDelta(t, 10, looks, 1, "however often the view changes")
}
