package cluster

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// asked is a cluster in which a test lets time pass, of topics with some partitions each, led by
// broker 1 or by nobody.
type asked struct {
	now    time.Time
	turns  turns
	view   *View
	wanted map[string]int
	parts  int
	absent map[string]bool
	leader int32
	bytes  int
}

func newAsked(topics, partitions int) *asked {
	a := &asked{now: time.Unix(1e9, 0), turns: make(turns), view: &View{},
		wanted: make(map[string]int), parts: partitions, absent: make(map[string]bool), leader: 1}
	for i := range topics {
		a.wanted[fmt.Sprint("topic-", i)] = 1
	}
	return a
}

func (a *asked) works(node int32) bool { return node == 1 }

// ask has a question asked and answered, and returns which topics it was for.
func (a *asked) ask(round time.Duration) []string {
	a.turns.follow(a.wanted, a.now)
	names := a.turns.due(a.now, round)
	resp := kmsg.NewPtrMetadataResponse()
	for _, name := range names {
		t := topicAnswer(1, 0)
		if a.absent[name] {
			t = topicAnswer(0, kerr.UnknownTopicOrPartition.Code)
		} else {
			for p := range a.parts {
				part := kmsg.NewMetadataResponseTopicPartition()
				part.Partition, part.Leader, part.Replicas, part.ISR = int32(p), a.leader, []int32{1, 2, 3}, []int32{1, 2, 3}
				t.Partitions = append(t.Partitions, part)
			}
		}
		t.Topic = kmsg.StringPtr(name)
		a.bytes += bytesOf(t)
		resp.Topics = append(resp.Topics, *t)
	}
	a.view = a.view.merge(resp, a.wanted)
	a.turns.answered(a.now, names, resp, a.view, a.works)
	return names
}

// pass lets time pass, in rounds and whatever is asked for between them, and returns how many bytes
// a second that costs.
func (a *asked) pass(d time.Duration) int {
	begin, end, round := a.now, a.now.Add(d), a.now
	a.bytes = 0
	for a.now.Before(end) {
		next := round.Add(metadataAge)
		a.now = latest(a.now.Add(hurryAge), earlier(next, a.turns.first(next)))
		if a.now.Before(next) {
			a.ask(0)
			continue
		}
		a.ask(metadataAge)
		round = a.now
	}
	return int(float64(a.bytes) / a.now.Sub(begin).Seconds())
}

func TestTurns_AllTopicsAreAskedForAtOnceAndThenAsTheirBytesAllow(t *testing.T) {
	for _, topics := range []int{1, 10, 70} {
		a := newAsked(topics, 12)
		require.Len(t, a.ask(0), topics, "from the start")
		for range 5 {
			a.now = a.now.Add(metadataAge)
			require.Len(t, a.ask(metadataAge), topics, "all fit into the budget")
		}
	}
	a := newAsked(1000, 12)
	require.Len(t, a.ask(0), 1000)
	seen := make(map[string]bool)
	rounds := 0
	for ; len(seen) < 1000; rounds++ {
		a.now, a.bytes = a.now.Add(metadataAge), 0
		for _, name := range a.ask(metadataAge) {
			require.True(t, !seen[name] || len(seen) == 1000, "in turn")
			seen[name] = true
		}
		require.LessOrEqual(t, a.bytes, topicBudget*int(metadataAge.Seconds()))
	}
	require.Less(t, rounds, 20)
}

func TestTurns_ATopicThatIsLargerThanTheBudgetHasItsTurnAndNoneGetsOlderThanFiveMinutes(t *testing.T) {
	a := newAsked(3, 5000)
	a.ask(0)
	for range 2 {
		var seen []string
		for range 3 {
			a.now = a.now.Add(metadataAge)
			seen = append(seen, a.ask(metadataAge)...)
		}
		slices.Sort(seen)
		require.Equal(t, []string{"topic-0", "topic-1", "topic-2"}, seen)
	}
	a = newAsked(6000, 12)
	a.ask(0)
	a.pass(11 * time.Minute)
	for name, turn := range a.turns {
		require.Less(t, a.now.Sub(turn.learned), topicAge+2*metadataAge, name)
	}
}

func TestTurns_OnlyWhatIsNotSettledIsAskedForOften(t *testing.T) {
	a := newAsked(1000, 12)
	a.ask(0)
	require.InDelta(t, topicBudget, a.pass(10*time.Minute), topicBudget/10)
	a.wanted["missing"], a.absent["missing"] = 1, true
	require.InDelta(t, topicBudget, a.pass(10*time.Minute), topicBudget/10)
	require.Less(t, a.now.Sub(a.turns["missing"].learned), unsettledMax+hurryAge)
	delete(a.absent, "missing")
	a.pass(2 * time.Second)
	require.Zero(t, a.turns["missing"].next, "it is there")
}

func TestTurns_NoOtherBrokerIsAskedForWhatManyDoNotKnow(t *testing.T) {
	a := newAsked(2, 3)
	a.ask(0)
	require.False(t, a.turns.troubled())
	a.wanted["missing"], a.absent["missing"] = 1, true
	a.ask(0)
	a.pass(2 * time.Second)
	require.True(t, a.turns.troubled(), "another broker may know it")
	a.pass(10 * time.Second)
	require.False(t, a.turns.troubled())

	delete(a.absent, "missing")
	a.pass(2 * time.Second)
	for i := range outdatedQuick + 1 {
		a.turns.outdated([]string{"topic-0"}, a.now)
		require.Equal(t, i < outdatedQuick, a.turns.troubled(), i)
		a.now = a.now.Add(outdatedMax)
		a.ask(0)
	}
}

func TestTurns_ManyTopicsWithoutALeaderAreAskedForOftenAtFirstAndWhenThereIsNews(t *testing.T) {
	a := newAsked(1000, 12)
	a.ask(0)
	a.leader = -1
	a.turns.outdated(slices.Collect(maps.Keys(a.wanted)), a.now)
	require.Greater(t, a.pass(2*time.Second), 1_000_000, "a leader may be there any moment")
	a.pass(5 * time.Second)
	long := a.pass(10 * time.Minute)
	require.Less(t, long, 70_000)
	require.Greater(t, long, 20_000)
	a.leader = 1
	a.turns.judge(a.now, a.view, a.works, true)
	require.Len(t, a.ask(0), 1000, "a broker has come")
	for name, turn := range a.turns {
		require.Zero(t, turn.next, name)
	}
}

func TestTurns_WhatIsInAQuestionIsNotAskedForTwice(t *testing.T) {
	a := newAsked(2, 1)
	a.turns.follow(a.wanted, a.now)
	require.Len(t, a.turns.due(a.now, 0), 2)
	require.Len(t, a.turns.due(a.now, 0), 2, "what is not known at all is asked of everybody")
	a.ask(0)
	a.now = a.now.Add(time.Minute)
	a.turns.outdated([]string{"topic-0", "nobody's"}, a.now)
	require.Equal(t, []string{"topic-0"}, a.turns.due(a.now, 0))
	require.Empty(t, a.turns.due(a.now, 0))
	require.Equal(t, a.now.Add(sentAgain), a.turns.first(a.now.Add(time.Hour)))
	require.Equal(t, []string{"topic-0"}, a.turns.due(a.now.Add(sentAgain), 0),
		"that question may get no answer")
	a.turns.ended([]string{"topic-0", "nobody's"})
	require.Equal(t, []string{"topic-0"}, a.turns.due(a.now, 0))
	delete(a.wanted, "topic-0")
	a.turns.follow(a.wanted, a.now)
	require.Len(t, a.turns, 1)
}

func TestTurns_ALeaderThatIsLostOrDoubtedIsAskedFor(t *testing.T) {
	a := newAsked(2, 1)
	a.ask(0)
	a.turns.judge(a.now, a.view, func(int32) bool { return false }, false)
	require.Equal(t, a.now, a.turns.first(a.now.Add(time.Hour)), "its broker has failed")
	require.Len(t, a.ask(0), 2)
	a.parts = 0
	a.now = a.now.Add(metadataAge)
	a.ask(metadataAge)
	require.Equal(t, a.now.Add(metadataAge), a.turns.first(a.now.Add(time.Hour)),
		"fewer partitions, which are not believed yet")
}

// Brokers that refuse what they get, and go on to name the same leaders, are not asked for those
// again and again.
func TestTurns_WhatIsCalledOldAgainAndAgainIsAskedForEverMoreSlowly(t *testing.T) {
	a := newAsked(1, 3)
	a.ask(metadataAge)
	refused := func(d time.Duration) (asked int) {
		for end := a.now.Add(d); a.now.Before(end); a.now = a.now.Add(hurryAge) {
			a.turns.outdated([]string{"topic-0"}, a.now)
			if !a.turns.first(a.now.Add(time.Hour)).After(a.now) {
				asked += len(a.ask(0))
			}
		}
		return asked
	}
	require.GreaterOrEqual(t, refused(outdatedQuick*hurryAge), outdatedQuick-1,
		"it may be that a leader is elected")
	require.LessOrEqual(t, refused(time.Minute), 70)
	require.LessOrEqual(t, refused(time.Minute), 62)

	a.turns.judge(a.now, a.view, func(int32) bool { return false }, false)
	require.Equal(t, a.now, a.turns.first(a.now.Add(time.Hour)), "its leader is away")
	a.leader = 2
	a.ask(0)
	a.leader = 1
	a.now = a.now.Add(unsettledMax)
	require.NotEmpty(t, a.ask(0))
	require.GreaterOrEqual(t, refused(outdatedQuick*hurryAge), outdatedQuick-1,
		"the leaders were others")
	a.now = a.now.Add(metadataAge + time.Second)
	require.GreaterOrEqual(t, refused(outdatedQuick*hurryAge), outdatedQuick-1,
		"it was well meanwhile")
}
