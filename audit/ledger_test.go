package audit

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/delivery"
)

// story is a ledger and the statements of one source and of readers about one partition.
type story struct {
	t      *testing.T
	ledger *Ledger
	source *Source
	now    time.Time
}

func newStory(t *testing.T) *story {
	s, err := NewSource(SourceConfig{Instance: "shop"})
	require.NoError(t, err)
	return &story{t, NewLedger(), s, time.Now()}
}

func (s *story) add(value []byte) { require.NoError(s.t, s.ledger.Add(value, s.now)) }

// claim states that the numbers from first on were delivered at successive offsets.
func (s *story) claim(first, n uint64, offset int64) {
	s.claimAll(run{first: first, n: n, offset: offset})
}

func (s *story) claimAll(runs ...run) {
	next := uint64(0)
	for _, r := range runs {
		next = max(next, r.end())
	}
	c := claim{instance: "shop", run: s.source.run, topic: "views", bucket: history, next: next,
		final: true, runs: runs}
	s.add(c.encode())
}

// segment returns a segment of a reader that begins at an offset.
func (s *story) segment(reader string, generation uint32, from int64) *segment {
	return newSegment(reader, "views", 0, generation, from)
}

// read adds records with successive numbers to a segment.
func (s *story) read(seg *segment, first, n uint64) {
	for i := range n {
		seg.see(&Header{Instance: s.source.id, Run: s.source.run, Sequence: first + i,
			Bucket: history}, seg.upto)
		seg.pass(seg.upto + 1)
	}
}

// judged returns the counts after all time that a verdict takes.
func (s *story) judged() Counts {
	for range turns + 1 {
		s.now = s.now.Add(Grace)
		s.ledger.Judge(s.now, false)
	}
	return s.ledger.Report(s.now).Total
}

// What a reader has read counts, though another one that came later has skipped it and said so
// first.
func TestLedger_WhatOneHasSkippedAnotherMayHaveRead(t *testing.T) {
	s := newStory(t)
	s.claim(0, 100, 0)
	late := s.segment("b", 0, 40)
	late.skip(60)
	s.read(late, 60, 40)
	s.add(late.encode())
	first := s.segment("a", 0, 0)
	s.read(first, 0, 60)
	s.add(first.encode())
	c := s.judged()
	require.Equal(t, uint64(100), c.Seen)
	require.Zero(t, c.Skipped)
	require.False(t, c.Faulty())
	require.Zero(t, s.ledger.Report(s.now).Partitions[0].Skipped)
}

// A log that is cut is read from a lower offset again: what was seen before is not there twice.
func TestLedger_ALogThatIsReadAnewHasNoDuplicates(t *testing.T) {
	s := newStory(t)
	s.claim(0, 100, 0)
	before, after := s.segment("a", 0, 0), s.segment("a", 1, 0)
	s.read(before, 0, 100)
	s.read(after, 0, 80)
	s.read(after, 10, 5) // these are
	s.add(after.encode())
	s.add(before.encode())
	c := s.judged()
	require.Equal(t, uint64(100), c.Seen)
	require.Equal(t, uint64(5), c.Copies)
	require.Equal(t, uint64(5), c.Unexplained)
}

// A topic is made again, and what is in it now is at offsets that readers of the one before have
// passed. It is decided about when readers come to it.
func TestLedger_ATopicThatIsMadeAgainIsReadFirst(t *testing.T) {
	s := newStory(t)
	before, after := s.segment("a", 0, 0), s.segment("a", 1, 0)
	s.read(before, 0, 100)
	s.add(before.encode())
	s.read(after, 200, 10)
	s.add(after.encode())
	s.claimAll(run{first: 0, n: 100}, run{first: 200, n: 60})
	c := s.judged()
	require.Zero(t, c.Lost)
	require.Equal(t, uint64(160), c.Waiting, "which log an offset is in, nobody knows")
	s.read(after, 210, 50)
	s.read(after, 500, 40)
	s.add(after.encode())
	c = s.judged()
	require.Zero(t, c.Lost)
	require.Zero(t, c.Waiting)
}

// A log is cut at an offset. What is below it stays decided as it was.
func TestLedger_ALogThatIsCutKeepsWhatIsBelow(t *testing.T) {
	s := newStory(t)
	before, after := s.segment("a", 0, 0), s.segment("a", 1, 80)
	s.read(before, 0, 70)
	s.read(before, 300, 30)
	s.add(before.encode())
	s.read(after, 400, 10)
	s.add(after.encode())
	s.claim(0, 90, 0)
	c := s.judged()
	require.Equal(t, uint64(20), c.Lost, "of each log ten")
	require.Zero(t, c.Waiting)
}

// A statement that comes when its bucket is forgotten does not make an account of half of it.
func TestLedger_WhatIsForgottenIsNotHalfRemembered(t *testing.T) {
	s := newStory(t)
	seg := s.segment("a", 0, 0)
	s.read(seg, 0, 100)
	s.add(seg.encode())
	s.claim(0, 90, 0)
	s.claimAll(run{first: 200, n: 1, offset: 1000}, run{first: 201, n: 1, offset: noOffset})
	s.ledger.Forget(history + 1)
	s.claim(0, 100, 0)
	s.read(seg, 100, 10)
	s.add(seg.encode())
	require.Zero(t, s.judged())
	require.Empty(t, s.ledger.byTime)
	require.Zero(t, s.ledger.log(partitionOf{"views", 0}).waiting.len())
}

// Who fell silent long ago is not named for ever.
func TestLedger_ForgetsWhoWasNotHeardOf(t *testing.T) {
	s := newStory(t)
	lives := life{instance: "shop", run: 1, interval: time.Second}
	reads := pulse{reader: "a", interval: time.Second}
	s.add(lives.encode())
	s.add(reads.encode())
	s.add(s.segment("a", 0, 0).encode())
	lives.run = 2
	require.NoError(t, s.ledger.Add(lives.encode(), s.now.Add(time.Hour)))
	s.ledger.Forget(BucketOf(s.now.Add(30 * time.Minute)))
	r := s.ledger.Report(s.now)
	require.Len(t, r.Sources, 1)
	require.Empty(t, r.Readers)
	require.Empty(t, s.ledger.log(partitionOf{"views", 0}).counted)
}

// Records whose offset nobody knows are not lost as long as nobody has read to the end of the
// topic, even if no statement is on its way.
func TestLedger_WithoutAnOffsetTheEndsDecide(t *testing.T) {
	s := newStory(t)
	s.claimAll(run{first: 0, n: 5, offset: noOffset},
		run{first: 5, n: 5, offset: noOffset, fate: fate{kind: fatePossible, reason: delivery.Unanswered}})
	seg := s.segment("a", 0, 0)
	s.read(seg, 0, 2)
	s.add(seg.encode())
	require.Equal(t, []string{"views"}, s.ledger.topicsByTime())
	for _, ends := range []map[int32]int64{nil, {0: 3}, {0: 2, 1: 1}} {
		if ends != nil {
			s.ledger.Ends("views", ends)
		}
		s.ledger.Judge(s.now, true)
		c := s.ledger.Report(s.now).Total
		require.Zero(t, c.Lost+c.NotPersisted)
		require.Equal(t, uint64(5), c.Waiting)
		require.Equal(t, uint64(5), c.Unresolved)
		require.Equal(t, uint64(10), c.Open())
	}
	s.ledger.Ends("views", map[int32]int64{0: 2, 1: 0})
	s.ledger.Judge(s.now, true)
	c := s.ledger.Report(s.now).Total
	require.Equal(t, uint64(3), c.Lost)
	require.Equal(t, uint64(5), c.NotPersisted)
	require.Zero(t, c.Open())
}

// What is open is open: if the source is dead, if nobody reads the topic, or if the bucket is old.
func TestReport_OnlyFreshRecordsThatAreReadMayBeOpen(t *testing.T) {
	s := newStory(t)
	c := claim{instance: "shop", run: s.source.run, topic: "views", bucket: history, next: 10}
	s.add(c.encode())
	alive := life{instance: "shop", run: s.source.run, interval: time.Second}
	s.add(alive.encode())
	require.Equal(t, Inconclusive, s.ledger.Report(s.now).Verdict(), "nobody reads it")
	reads := pulse{reader: "a", interval: time.Second, positions: []position{{"views", 0, 1, 0, 0}}}
	s.add(reads.encode())
	require.Equal(t, Whole, s.ledger.Report(s.now).Verdict())
	s.now = s.now.Add(5 * time.Second)
	s.add(alive.encode())
	require.Equal(t, Inconclusive, s.ledger.Report(s.now).Verdict(), "nobody reads it any more")
	s.add(reads.encode())
	require.Equal(t, Whole, s.ledger.Report(s.now).Verdict())
	c.bucket, c.first = history+2, 10
	c.next = 10
	s.add(c.encode())
	require.Equal(t, Inconclusive, s.ledger.Report(s.now).Verdict(), "the bucket is old")
	require.Equal(t, uint64(10), s.ledger.Report(s.now).Open())
}

func TestCounts_CompletenessIsOfWhatIsDecided(t *testing.T) {
	for want, c := range map[float64]Counts{
		1:   {},
		.9:  {Delivered: 10, Lost: 1, PossiblyPersisted: 9, Unresolved: 9},
		.5:  {Delivered: 100, Lost: 1, Skipped: 90, Waiting: 5, Suspect: 3},
		.75: {Delivered: 4, Lost: 1, Shed: 100},
	} {
		require.InDelta(t, want, c.Completeness(), 1e-9)
	}
}

// What a source could not state long ago says nothing about records of today.
func TestReport_OldGapsDoNotSpoilNewRecords(t *testing.T) {
	s := newStory(t)
	s.claim(0, 10, 0)
	seg := s.segment("a", 0, 0)
	s.read(seg, 0, 10)
	s.add(seg.encode())
	old := life{instance: "shop", run: s.source.run - 1, interval: time.Second, ended: true, unstated: 7}
	s.add(old.encode())
	require.Equal(t, Whole, s.ledger.Report(s.now).Verdict())
	old.run++
	s.add(old.encode())
	require.Equal(t, Inconclusive, s.ledger.Report(s.now).Verdict())
}

// A lane has fallen back to another cluster. What it has delivered there is not looked for here.
func TestLedger_WhatIsInAnotherClusterIsNotLost(t *testing.T) {
	for _, reader := range []string{"main", "unheard of", ""} {
		s := newStory(t)
		main, other := fate{cluster: "main"}, fate{cluster: "other"}
		doubtful := fate{cluster: "other", kind: fatePossible, reason: delivery.Unanswered}
		s.claimAll(run{first: 0, n: 10, offset: 0, fate: main}, run{first: 10, n: 5, offset: 2, fate: other},
			run{first: 15, n: 5, offset: noOffset, fate: other},
			run{first: 20, n: 5, offset: noOffset, fate: doubtful})
		seg := s.segment("a", 0, 0)
		seg.cluster = reader
		s.read(seg, 0, 10)
		s.add(seg.encode())
		c := s.judged()
		if reader != "main" {
			require.Zero(t, c.Elsewhere, "which is which, nobody knows")
			require.Equal(t, uint64(5), c.Lost)
			continue
		}
		require.Equal(t, uint64(15), c.Elsewhere)
		require.Zero(t, c.Lost+c.Open())
		require.Equal(t, Inconclusive, s.ledger.Report(s.now).Verdict())
		require.Equal(t, 1.0, c.Completeness())
	}
}

// Which cluster is read may be known only when what is in others was looked for in vain.
func TestLedger_WhichClusterIsReadMayBeKnownLate(t *testing.T) {
	s := newStory(t)
	s.claimAll(run{first: 10, n: 5, offset: 2, fate: fate{cluster: "other"}})
	seg := s.segment("a", 0, 0)
	seg.cluster = "main"
	s.read(seg, 0, 10)
	s.add(seg.encode())
	require.Equal(t, uint64(5), s.judged().Lost)
	s.claimAll(run{first: 0, n: 10, fate: fate{cluster: "main"}},
		run{first: 10, n: 5, offset: 2, fate: fate{cluster: "other"}})
	c := s.judged()
	require.Zero(t, c.Lost)
	require.Equal(t, uint64(5), c.Elsewhere)
	require.Empty(t, s.ledger.Report(s.now).Rows[0].Examples)
}

// A partition may have had more records than anybody reads.
func TestLedger_WhatIsSkippedMayBeLong(t *testing.T) {
	s := newStory(t)
	const begin = 1 << 40
	seg := s.segment("a", 0, 0)
	seg.skip(begin)
	s.read(seg, 5, 5)
	s.add(seg.encode())
	s.claimAll(run{first: 0, n: 5, offset: begin - 5}, run{first: 5, n: 5, offset: begin})
	c := s.judged()
	require.Equal(t, uint64(5), c.Skipped)
	require.Equal(t, uint64(5), c.Seen)
	require.Zero(t, c.Open())
}

// A run that becomes longer from version to version waits in a few parts, not record by record.
func TestLedger_ARunThatGrowsTakesLittle(t *testing.T) {
	s := newStory(t)
	for n := uint64(1000); n <= 100_000; n += 1000 {
		s.claim(0, n, 0)
	}
	require.Equal(t, 100, s.ledger.log(partitionOf{"views", 0}).waiting.len())
	s.claim(200_000, 5, 200_000)
	s.claim(200_010, 5, 200_010)
	s.claim(199_995, 30, 199_995) // around both
	require.Equal(t, 105, s.ledger.log(partitionOf{"views", 0}).waiting.len())
	require.Equal(t, uint64(100_030), s.ledger.Report(s.now).Total.Waiting)
	seg := s.segment("a", 0, 0)
	s.read(seg, 0, 100_000)
	seg.skip(199_995)
	s.read(seg, 199_995, 30)
	s.add(seg.encode())
	c := s.judged()
	require.Zero(t, c.Waiting)
	require.False(t, c.Faulty())
	require.Equal(t, uint64(100_030), c.Seen)
}

// A source whose clock is two hours behind is in the report of an agent that has just begun, as soon
// as it says something. What was said before is not.
func TestReport_HasASourceWhoseClockIsBehind(t *testing.T) {
	l, now := NewLedger(), time.Now()
	behind := claim{instance: "a", run: 1, topic: "views", bucket: BucketOf(now) - 12, next: 5}
	require.NoError(t, l.add(behind.encode(), hearing{now: now, said: now, old: true}))
	require.Empty(t, l.reportSince(BucketOf(now), now).Rows)
	behind.next = 7
	require.NoError(t, l.Add(behind.encode(), now))
	require.Equal(t, uint64(7), l.reportSince(BucketOf(now), now).Total.Numbered)
	require.Empty(t, l.Report(now).Since(BucketOf(now)).Rows)
}
