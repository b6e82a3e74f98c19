package audit

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A record that nobody has seen is called lost when no statement can be on its way any more, and
// not if one comes in time.
func TestLedger_CallsARecordLostAfterAWhile(t *testing.T) {
	claimed := claim{instance: "a", run: 1, topic: "t", bucket: 7, next: 3, final: true,
		runs: []run{{first: 0, n: 3, offset: 10}}}
	read := sight{reader: "r", topic: "t", from: 0, upto: 20, streams: []origin{{IDOf("a"), 1}},
		runs: []sighting{{bucket: 7, first: 0, n: 2, offset: 10}}}
	late := sight{reader: "r", topic: "t", partition: 1, from: 0, upto: 1,
		streams: []origin{{IDOf("a"), 1}}, runs: []sighting{{bucket: 7, first: 2, n: 1, offset: 0}}}
	for _, comes := range []time.Duration{0, 10 * time.Second, 10 * time.Minute} {
		begin := time.Now()
		l := NewLedger()
		require.NoError(t, l.Add(claimed.encode(), begin))
		require.NoError(t, l.Add(read.encode(), begin))
		for at := time.Duration(0); at < time.Minute; at += time.Second {
			if comes > 0 && at == comes {
				require.NoError(t, l.Add(late.encode(), begin.Add(at)))
			}
			l.Judge(begin.Add(at), false)
			c := l.Report(begin.Add(at)).Total
			switch {
			case comes > 0 && at >= comes && comes < Grace:
				require.Zero(t, c.Lost+c.Suspect)
			case at < Grace:
				require.Equal(t, uint64(1), c.Suspect, "%v", at)
				require.Zero(t, c.Lost)
			case at > Grace+Grace/turns+time.Second:
				require.Equal(t, uint64(1), c.Lost, "%v", at)
				require.Zero(t, c.Suspect)
			}
		}
		if comes == 0 {
			require.NoError(t, l.Add(late.encode(), begin))
			require.Zero(t, l.Report(begin).Total.Lost, "it was found after all")
		}
	}
}

// A possibly persisted record is not in the log if readers were at the end of every partition long
// after its claim came.
func TestLedger_DecidesAboutPossiblyPersistedRecordsByTheEnds(t *testing.T) {
	claimed := claim{instance: "a", run: 1, topic: "t", bucket: 7, next: 2, final: true,
		runs: []run{{first: 0, n: 2, fate: fate{kind: fatePossible}, offset: noOffset}}}
	read := sight{reader: "r", topic: "t", from: 0, upto: 20, streams: []origin{{IDOf("a"), 1}},
		runs: []sighting{{bucket: 7, first: 0, n: 1, offset: 10}}}
	begin := time.Now()
	l := NewLedger()
	require.NoError(t, l.Add(claimed.encode(), begin))
	require.NoError(t, l.Add(read.encode(), begin))
	at := func(after time.Duration, next0, high0, next1, high1 int64) Counts {
		p := pulse{reader: "r", positions: []position{{"t", 0, 2, next0, high0}, {"t", 1, 2, next1, high1}}}
		require.NoError(t, l.Add(p.encode(), begin.Add(after)))
		l.Judge(begin.Add(after), false)
		return l.Report(begin.Add(after)).Total
	}
	require.Equal(t, uint64(2), at(0, 20, 20, 0, 0).Unresolved)
	require.Equal(t, uint64(2), at(Grace-1, 20, 20, 0, 0).Unresolved, "too early")
	require.Equal(t, uint64(2), at(Grace+1, 20, 21, 0, 0).Unresolved, "one partition is not read to its end")
	require.Equal(t, uint64(2), at(Grace+2, 20, -1, 0, 0).Unresolved, "where the end is is not known")
	c := at(Grace+3, 21, 21, 0, 0)
	require.Zero(t, c.Unresolved)
	require.Equal(t, uint64(1), c.Persisted)
	require.Equal(t, uint64(1), c.NotPersisted)
}

// Offsets begin anew in a topic that was made again. A record that is there counts as found.
func TestLedger_ATopicThatWasMadeAgain(t *testing.T) {
	o := []origin{{IDOf("a"), 1}}
	old := sight{reader: "r", topic: "t", from: 0, upto: 1000}
	anew := sight{reader: "r", topic: "t", generation: 1, from: 0, upto: 50, streams: o,
		runs: []sighting{{bucket: 7, first: 0, n: 10, offset: 30}}}
	claimed := claim{instance: "a", run: 1, topic: "t", bucket: 7, next: 10, final: true,
		runs: []run{{first: 0, n: 10, offset: 30}}}
	l := NewLedger()
	now := time.Now()
	for _, v := range [][]byte{old.encode(), claimed.encode(), anew.encode()} {
		require.NoError(t, l.Add(v, now))
	}
	l.Judge(now, true)
	r := l.Report(now)
	require.Equal(t, Whole, r.Verdict(), "%+v", r.Total)
	at := l.resume(partitionOf{"t", 0})
	require.True(t, at.known)
	require.Equal(t, uint32(1), at.generation)
	require.Equal(t, int64(50), at.next)
}

func TestLedger_SaysWhoIsSilent(t *testing.T) {
	begin := time.Now()
	l := NewLedger()
	for _, s := range []life{{instance: "silent", run: 1, interval: time.Second},
		{instance: "ended", run: 2, interval: time.Second, ended: true},
		{instance: "patient", run: 3, interval: time.Minute}} {
		require.NoError(t, l.Add(s.encode(), begin))
	}
	require.NoError(t, l.Add((&pulse{reader: "reader", interval: time.Second}).encode(), begin))
	silent := func(after time.Duration) (names []string) {
		r := l.Report(begin.Add(after))
		for _, p := range append(r.Sources, r.Readers...) {
			if p.Silent {
				names = append(names, p.Name)
			}
		}
		return names
	}
	require.Empty(t, silent(3*time.Second))
	require.Equal(t, []string{"silent", "reader"}, silent(5*time.Second))
	require.Equal(t, []string{"patient", "silent", "reader"}, silent(5*time.Minute))
}

func TestLedger_ForgetsOldBuckets(t *testing.T) {
	l := NewLedger()
	for bucket := range Bucket(10) {
		c := claim{instance: "a", run: 1, topic: "t", bucket: bucket, first: uint64(bucket),
			next: uint64(bucket) + 1, final: true}
		require.NoError(t, l.Add(c.encode(), time.Now()))
	}
	l.Forget(7)
	require.Len(t, l.Report(time.Now()).Rows, 3)
}

// Records at offsets that a reader had to leave out are not lost, and those beside them are.
func TestLedger_WhatNobodyReadsIsNotLost(t *testing.T) {
	claimed := claim{instance: "a", run: 1, topic: "t", bucket: 7, next: 10, final: true,
		runs: []run{{first: 0, n: 10, offset: 100}}}
	read := sight{reader: "r", topic: "t", from: 0, upto: 120, skipped: []span{{0, 104}},
		streams: []origin{{IDOf("a"), 1}}, runs: []sighting{{bucket: 7, first: 4, n: 5, offset: 104}}}
	l := NewLedger()
	now := time.Now()
	require.NoError(t, l.Add(claimed.encode(), now))
	require.NoError(t, l.Add(read.encode(), now))
	l.Judge(now, true)
	r := l.Report(now)
	require.Equal(t, uint64(4), r.Total.Skipped)
	require.Equal(t, uint64(5), r.Total.Seen)
	require.Equal(t, uint64(1), r.Total.Lost)
	require.Equal(t, []uint64{9}, r.Rows[0].Examples)
	require.Equal(t, int64(104), r.Partitions[0].Skipped)
}

// A report has what came since the one before it: records out of order, and which cluster is read.
func TestLedger_ReportsWhatHasChanged(t *testing.T) {
	now := time.Now()
	l := NewLedger()
	add := func(value []byte) Counts {
		require.NoError(t, l.Add(value, now))
		return l.Report(now).Total
	}
	c := claim{instance: "a", run: 1, topic: "t", bucket: 7, next: 4, final: true, runs: []run{
		{first: 0, n: 2, fate: fate{cluster: "east"}, offset: 0},
		{first: 2, n: 2, fate: fate{cluster: "west"}, partition: 1, offset: 0}}}
	require.Zero(t, add(c.encode()).Elsewhere)
	s := sight{reader: "r", topic: "t", from: 0, upto: 2, streams: []origin{{IDOf("a"), 1}},
		runs: []sighting{{bucket: 7, first: 0, n: 2, offset: 0}}}
	require.Zero(t, add(s.encode()).Elsewhere, "nobody has said which cluster is read")
	other := sight{reader: "r", topic: "t", partition: 5, upto: 1, cluster: "east"}
	require.Equal(t, uint64(2), add(other.encode()).Elsewhere)
	s.swaps = []sighting{{bucket: 7, first: 1, n: 1, offset: 1}}
	require.Equal(t, uint64(1), add(s.encode()).OutOfOrder)
}

// What a source that was killed has not stated is stranded: when no statement can be on its way any
// more, and readers have read all. It is counted once, and nobody waits for it.
func TestLedger_KnowsWhatNobodyWillState(t *testing.T) {
	begin := time.Now()
	l := NewLedger()
	born := runAt(begin)
	c := claim{instance: "a", run: born, topic: "t", bucket: 7, next: 10, runs: []run{{n: 4, offset: 0}}}
	s := sight{reader: "r", topic: "t", upto: 7, streams: []origin{{IDOf("a"), born}},
		runs: []sighting{{bucket: 7, n: 7}}} // it was killed after the seventh
	unheard := sight{reader: "r", topic: "t", from: 7, upto: 9, streams: []origin{{IDOf("b"), 1}},
		runs: []sighting{{bucket: 7, n: 2, offset: 7}}} // and this one before its first statement
	says := life{instance: "a", run: born, interval: time.Second}
	for _, v := range [][]byte{c.encode(), s.encode(), unheard.encode(), says.encode()} {
		require.NoError(t, l.Add(v, begin))
	}
	at := func(after time.Duration, next int64) *Report {
		p := pulse{reader: "r", interval: time.Second, positions: []position{{"t", 0, 1, next, 9}}}
		require.NoError(t, l.Add(p.encode(), begin.Add(after)))
		return l.Report(begin.Add(after))
	}
	for _, early := range []*Report{at(Grace-1, 9), at(time.Minute, 8)} {
		require.Equal(t, uint64(8), early.Open())
		require.Equal(t, uint64(8), early.waits())
	}
	r := at(time.Minute, 9)
	require.Equal(t, uint64(8), r.Open())
	require.Zero(t, r.waits())
	_, since := r.Stranded()
	require.Equal(t, uint64(8), since)
	require.Equal(t, Inconclusive, r.Verdict())

	r.since(begin.Add(time.Second), begin.Add(time.Minute))
	before, since := r.Stranded()
	require.Equal(t, []uint64{6, 2}, []uint64{before, since}, "nobody knows when the other was killed")
	r = at(time.Minute, 9).since(begin.Add(-time.Second), begin.Add(time.Minute))
	before, _ = r.Stranded()
	require.Zero(t, before, "it was killed while the agent looked")

	says.ended = true // it lives, and ends as it should
	require.NoError(t, l.Add(says.encode(), begin.Add(time.Minute)))
	_, since = at(2*time.Minute, 9).Stranded()
	require.Equal(t, uint64(2), since)
}
