package measure

import (
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/bench/drive"
	"github.com/forebay-go/forebay/bench/rig"
)

func TestAccountsFigures_SortsWhatBecameOfRecords(t *testing.T) {
	entries := []drive.Entry{
		{},                  // refused
		{Sent: 1, Done: 2},  // delivered
		{Sent: 1, Done: 2},  // delivered twice
		{Sent: 1, Done: 2},  // said to be delivered
		{Sent: 1},           // no outcome, not there
		{Sent: 1},           // no outcome, there
		{Sent: 1, Done: -2}, // failed
		{Sent: 1, Done: -2}, // said to have failed
	}
	got := accountsFigures(entries, []int{0, 1, 2, 0, 0, 1, 0, 1})
	require.Equal(t, map[string]float64{
		"accepted": 7, "delivered": 3, "logged": 4, "told": 1, "silent": 2, "wrong": 1, "again": 1,
	}, got)
}

func TestResumeFigures_CountFromTheReference(t *testing.T) {
	at := func(ms int64) int64 { return time.UnixMilli(1000 + ms).UnixNano() }
	entries := []drive.Entry{
		{Sent: at(-100), Done: at(-90)}, // before the outage
		{},                              // refused
		{Sent: at(-50), Done: at(120)},  // the backlog
		{Sent: at(-40), Done: at(40)},
		{Sent: at(30), Done: at(500)}, // sent when all was well again
	}
	got := resumeFigures(entries, time.UnixMilli(990), time.UnixMilli(1020))
	require.Equal(t, map[string]float64{"first": 20, "backlog": 100, "waiting": 2, "failed": 0,
		"open": 0}, got)

	entries[2].Done = -at(60)
	got = resumeFigures(entries, time.UnixMilli(990), time.UnixMilli(1020))
	require.Equal(t, map[string]float64{"first": 20, "waiting": 2, "failed": 1, "open": 0}, got,
		"a backlog of which a part failed was not delivered")
}

func TestTalkFigures_ASlowClientLooksNoBetter(t *testing.T) {
	passed := rig.Produced{Requests: 10, Batches: 20, Records: 1000}
	quick := talkFigures(&drive.Result{WallNanos: 1e8, CPUNanos: 1e7}, passed, 20*time.Millisecond)
	slow := talkFigures(&drive.Result{WallNanos: 2e8, CPUNanos: 1e7}, passed, 20*time.Millisecond)
	require.Equal(t, map[string]float64{"records": 100, "batch": 50, "broker": 20, "cpu": 10,
		"delivered": 10_000}, quick)
	require.Equal(t, 5_000.0, slow["delivered"])
	require.Equal(t, quick["broker"], slow["broker"])
	require.Nil(t, talkFigures(new(drive.Result), rig.Produced{}, 0))
}

func TestHeldFigures_AProcessThatShrinksHoldsNotLessThanNothing(t *testing.T) {
	r := &drive.Result{Held: &drive.Held{Records: 20_000, HeapBytes: 2_000_000, RSSBytes: -1,
		HeapObjects: 20}}
	require.Equal(t, map[string]float64{"records": 20_000, "failed": 0, "gc": 0, "gcIdle": 0,
		"heap": 100, "objects": 1}, heldFigures(r))
}

func TestRounds_AreThoseOfWantedCasesAfterThoseOfEarlierRuns(t *testing.T) {
	b := &Bench{First: 5, Rounds: 2, Cases: regexp.MustCompile("none$")}
	require.Equal(t, []int{5, 6}, slices.Collect(b.rounds("1KiB, none")))
	require.Empty(t, slices.Collect(b.rounds("1KiB, lz4")))
	b.Cases = nil
	require.Equal(t, []int{5, 6}, slices.Collect(b.rounds("1KiB, lz4")))
}

func TestClients_AreThoseThatAreWanted(t *testing.T) {
	b := &Bench{Only: []string{"java", "sarama"}}
	all := slices.Clone(callers)
	require.Equal(t, []string{"sarama", "java", "nothing"}, b.clients(callers...))
	require.Equal(t, all, callers)
	require.Equal(t, all, new(Bench).clients(callers...))
}

func TestTurns_EachComesAfterEachOtherOneOnce(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e", "f"}
	first, after := make(map[string]int), make(map[string]int)
	for round := range names {
		order := turns(names, round)
		require.ElementsMatch(t, names, order)
		first[order[0]]++
		for i := range order[1:] {
			after[order[i]+order[i+1]]++
		}
	}
	require.Len(t, first, 6)
	require.Len(t, after, 6*5)
	require.Equal(t, turns(names, 0), turns(names, 6))
	require.Equal(t, []string{"a", "b", "c", "d", "e", "f"}, names)
	for round := range 3 {
		first[turns(names[:3], round)[0]]++ // an odd number
	}
	require.Equal(t, map[string]int{"a": 2, "b": 2, "c": 2, "d": 1, "e": 1, "f": 1}, first)
	require.Empty(t, turns(nil, 1))
}
