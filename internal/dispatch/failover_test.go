package dispatch

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const ms = time.Millisecond

// story is what happens to some clusters, in milliseconds: each is not ready at first, and changes
// at the times given.
type story struct {
	turns [][]int // by cluster, rising: when Ready changes
	acks  [][]int // by cluster, rising: when it acknowledges something
	until int
}

// health returns what is known at the millisecond t, after what happened in it.
func (s story) health(t int) []Health {
	health := make([]Health, len(s.turns))
	for c := range health {
		n, on := slices.BinarySearch(s.turns[c], t)
		if on {
			n++
		}
		h := &health[c]
		if h.Ready = n%2 == 1; n > 0 {
			h.Since = time.Duration(s.turns[c][n-1]) * ms
		}
		n, on = slices.BinarySearch(s.acks[c], t)
		if on {
			n++
		}
		if n > 0 {
			h.Acked = time.Duration(s.acks[c][n-1]) * ms
		}
	}
	return health
}

// turnAfter returns when the readiness of any cluster changes next.
func (s story) turnAfter(t int) int {
	next := math.MaxInt
	for _, turns := range s.turns {
		if n, _ := slices.BinarySearch(turns, t+1); n < len(turns) {
			next = min(next, turns[n])
		}
	}
	return next
}

type hop struct {
	at     int // millisecond
	to     int
	change Change
}

func (h hop) String() string { return fmt.Sprintf("%d ms: %s to %d", h.at, h.change, h.to) }

// play has a Failover live through s and returns its switches. It is asked every millisecond, or
// when something changed and when it is due.
func (s story) play(t require.TestingT, th Thresholds, always bool) []hop {
	f := NewFailover(th, len(s.turns), 0)
	var hops []hop
	before := 0
	for at := 0; at < s.until; {
		now := time.Duration(at) * ms
		use, due, change := f.Next(now, s.health(at))
		if due == Never {
			due = far
		}
		require.Greater(t, due, now, "due is in the future")
		require.Equal(t, change != Stayed, use != before)
		if change != Stayed {
			hops = append(hops, hop{at, use, change})
		}
		if before = use; always {
			at++
		} else {
			at = min(int((due-1)/ms)+1, s.turnAfter(at))
		}
	}
	return hops
}

// every returns turns for a cluster that is ready from the start and away for the last part of each
// period.
func every(period, away, until int) (turns []int) {
	turns = []int{0}
	for at := period; at <= until; at += period {
		turns = append(turns, at-away, at)
	}
	return turns
}

func TestFailover_LeavesReturnsAndLimits(t *testing.T) {
	th := Thresholds{FallbackAfter: 5 * time.Second, ReturnAfter: 30 * time.Second,
		SwitchEvery: time.Minute}
	up := []int{0}
	for _, tt := range []struct {
		name string
		story
		th   Thresholds
		want []hop
	}{
		{name: "a primary that works is kept", story: story{turns: [][]int{up, up}}},
		{name: "a primary away from the start is left after the threshold",
			story: story{turns: [][]int{{}, up}},
			want:  []hop{{5_000, 1, FellBack}}},
		{name: "and as soon as a fallback is ready", story: story{turns: [][]int{{}, {}, {7_000}}},
			want: []hop{{7_000, 2, FellBack}}},
		{name: "in order", story: story{turns: [][]int{{}, {4_000}, up}},
			want: []hop{{5_000, 1, FellBack}}},
		{name: "never where no other is ready", story: story{turns: [][]int{{0, 1_000}, {}}}},
		{name: "an outage below the threshold is nothing",
			story: story{turns: [][]int{{0, 10_000, 14_999}, up}}},
		{name: "what still acknowledges is not down",
			story: story{turns: [][]int{{0, 1_000}, up}, acks: [][]int{{500, 3_000, 8_000}, {}}},
			want:  []hop{{13_000, 1, FellBack}}},
		{name: "back after the limit", story: story{turns: [][]int{{0, 10_000, 20_000}, up}},
			want: []hop{{15_000, 1, FellBack}, {75_000, 0, Returned}}},
		{name: "back after the threshold", story: story{turns: [][]int{{0, 10_000, 90_000}, up}},
			want: []hop{{15_000, 1, FellBack}, {120_000, 0, Returned}}},
		{name: "not back to what has breaks",
			story: story{turns: [][]int{{0, 10_000, 60_000, 85_000, 86_000}, up}},
			want:  []hop{{15_000, 1, FellBack}, {116_000, 0, Returned}}},
		{name: "back to the best", story: story{turns: [][]int{{0, 1_000, 30_000},
			{0, 1_000, 20_000}, up}},
			want: []hop{{6_000, 2, FellBack}, {66_000, 0, Returned}}},
		{name: "back step by step", story: story{turns: [][]int{{0, 1_000, 100_000},
			{0, 1_000, 20_000}, up}},
			want: []hop{{6_000, 2, FellBack}, {66_000, 1, Returned}, {130_000, 0, Returned}}},
		{name: "a fallback that dies is left at once",
			story: story{turns: [][]int{{}, {0, 8_000}, up}},
			want:  []hop{{5_000, 1, FellBack}, {8_000, 2, MovedOn}}},
		{name: "even to the primary", story: story{turns: [][]int{{0, 1_000, 7_500}, {0, 8_000},
			up}},
			want: []hop{{6_000, 1, FellBack}, {8_000, 0, MovedOn}}},
		{name: "which is then kept for the limit",
			story: story{turns: [][]int{{0, 1_000, 7_500, 9_000}, {0, 8_000}, up}},
			want:  []hop{{6_000, 1, FellBack}, {8_000, 0, MovedOn}, {68_000, 2, FellBack}}},
		{name: "as soon as another is ready", story: story{turns: [][]int{{}, {0, 8_000}, {9_000}}},
			want: []hop{{5_000, 1, FellBack}, {9_000, 2, MovedOn}}},
		{name: "but not while it acknowledges",
			story: story{turns: [][]int{{}, {0, 8_000}, {9_000}},
				acks: [][]int{{}, {6_000, 8_500, 10_000}, {}}},
			want: []hop{{5_000, 1, FellBack}, {15_000, 2, MovedOn}}},
		{name: "a flapping primary that is ready in between is kept",
			story: story{turns: [][]int{every(2_000, 1_900, 299_000), up}}},
		{name: "one that is away longer switches once a minute",
			story: story{turns: [][]int{every(50_000, 10_000, 299_000), up}},
			want: []hop{{45_000, 1, FellBack}, {130_000, 0, Returned}, {195_000, 1, FellBack},
				{280_000, 0, Returned}}},
		{name: "no thresholds, no delay", th: Thresholds{FallbackAfter: ms},
			story: story{turns: [][]int{{0, 1_500, 2_000, 3_500, 4_000}, up}},
			want: []hop{{1_501, 1, FellBack}, {2_000, 0, Returned}, {3_501, 1, FellBack},
				{4_000, 0, Returned}}},
		{name: "a threshold that does not come",
			th: Thresholds{FallbackAfter: ms,
				ReturnAfter: Never}, story: story{turns: [][]int{{10}, up}},
			want: []hop{{1, 1, FellBack}}},
		{name: "a threshold without end", th: Thresholds{FallbackAfter: ms,
			ReturnAfter: math.MaxInt64}, story: story{turns: [][]int{{10}, up}},
			want: []hop{{1, 1, FellBack}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.th == (Thresholds{}) {
				tt.th = th
			}
			if tt.acks == nil {
				tt.acks = make([][]int, len(tt.turns))
			}
			tt.until = 300_000
			require.Equal(t, tt.want, tt.play(t, tt.th, false), "asked when it is due")
		})
	}
}

// drawStory draws what happens to two to four clusters in a second and a half, and thresholds that
// are short beside that.
func drawStory(rt *rapid.T) (story, Thresholds) {
	s := story{until: 1_500}
	rise := func(label string, longest int) (at []int) {
		gap := rapid.IntRange(1, longest)
		for t := gap.Draw(rt, label) - 1; t < s.until; t += gap.Draw(rt, label) {
			at = append(at, t)
		}
		return at
	}
	for range rapid.IntRange(2, 4).Draw(rt, "clusters") {
		s.turns = append(s.turns, rise("turn",
			rapid.SampledFrom([]int{20, 100, 1_000, 5_000}).Draw(rt, "longest")))
		var acks []int
		if rapid.Bool().Draw(rt, "acks") {
			acks = rise("ack", 500)
		}
		s.acks = append(s.acks, acks)
	}
	threshold := rapid.SampledFrom([]time.Duration{0, ms, 20 * ms, 100 * ms, 300 * ms})
	return s, Thresholds{
		FallbackAfter: threshold.Draw(rt, "FallbackAfter"),
		ReturnAfter:   threshold.Draw(rt, "ReturnAfter"),
		SwitchEvery:   threshold.Draw(rt, "SwitchEvery"),
	}
}

func TestFailover_KeepsItsRulesInAnyStory(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, th := drawStory(rt)
		hops := s.play(rt, th, false)
		require.Equal(rt, s.play(rt, th, true), hops, "asked all the time, and only when due")

		in, last := 0, time.Duration(-1)
		for _, h := range hops {
			now, health := time.Duration(h.at)*ms, s.health(h.at)
			was, is := health[in], health[h.to]
			require.True(rt, is.Ready, "%v: it goes only to what is ready", h)
			if h.change == Returned {
				require.Less(rt, h.to, in, "%v", h)
				require.GreaterOrEqual(rt, now-is.Since, th.ReturnAfter, "%v", h)
			} else {
				require.False(rt, was.Ready, "%v: it leaves only what is not ready", h)
				require.False(rt, slices.ContainsFunc(health[:h.to],
					func(h Health) bool { return h.Ready }), "%v: in order", h)
			}
			if h.change == FellBack || was.Acked > was.Since && h.change == MovedOn {
				require.GreaterOrEqual(rt, now-max(was.Since, was.Acked), th.FallbackAfter, "%v", h)
			}
			if h.change == MovedOn {
				require.NotZero(rt, in, "%v: only a fallback is left at once", h)
			} else if last >= 0 {
				require.GreaterOrEqual(rt, now-last, th.SwitchEvery, "%v", h)
			}
			in, last = h.to, now
		}
	})
}

func TestFailover_EndsInTheOnlyClusterThatIsReady(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, th := drawStory(rt)
		only := rapid.IntRange(0, len(s.turns)-1).Draw(rt, "only")
		// from the millisecond s.until on, nothing else is ready or acknowledges
		for c := range s.turns {
			if n := len(s.turns[c]) % 2; (n == 1) != (c == only) {
				s.turns[c] = append(s.turns[c], s.until)
			}
		}
		s.until += int((th.FallbackAfter+th.SwitchEvery)/ms) + 1
		in := 0
		if hops := s.play(rt, th, false); len(hops) > 0 {
			in = hops[len(hops)-1].to
		}
		require.Equal(rt, only, in)
	})
}

func TestFailover_FlappingPrimarySwitchesAtMostOnceAMinute(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		period := rapid.SampledFrom([]int{2_000, 10_000, 50_000, 90_000}).Draw(rt, "period")
		s := story{turns: [][]int{every(period, rapid.IntRange(1, period-1).Draw(rt, "away"),
			600_000), {0}}, acks: make([][]int, 2), until: 600_000}
		hops := s.play(rt, Thresholds{FallbackAfter: 5 * time.Second, ReturnAfter: 30 * time.Second,
			SwitchEvery: time.Minute}, false)
		for i := 1; i < len(hops); i++ {
			require.GreaterOrEqual(rt, hops[i].at-hops[i-1].at, 60_000)
		}
	})
}

func TestFailover_SetKeepsWhatIsInUse(t *testing.T) {
	th := Thresholds{FallbackAfter: 5 * time.Second, ReturnAfter: 30 * time.Second,
		SwitchEvery: time.Minute}
	up, down := Health{Ready: true}, Health{}
	begin := func() *Failover { // in use: 1 of 3 as of 5 s
		f := NewFailover(th, 3, 0)
		use, _, change := f.Next(5*time.Second, []Health{down, up, up})
		require.Equal(t, 1, use)
		require.Equal(t, FellBack, change)
		return f
	}
	for _, tt := range []struct {
		name    string
		th      Thresholds
		current int
		health  []Health
		use     int
		due     time.Duration
		change  Change
	}{
		{"one that was not in use is gone", th, 1, []Health{down, up}, 1, Never, Stayed},
		{"the one in use comes first", th, 0, []Health{up, down}, 0, Never, Stayed},
		{"the one in use comes last, and the limit holds", th, 1, []Health{up, up}, 1,
			65 * time.Second, Stayed},
		{"a shorter limit", Thresholds{5 * time.Second, 6 * time.Second, time.Second}, 1,
			[]Health{up, up}, 1, 6 * time.Second, Stayed},
		{"a threshold that is over already", Thresholds{}, 1, []Health{up, up}, 0, Never, Returned},
		{"the one in use is gone", th, -1, []Health{down, up}, 1, Never, Replaced},
		{"gone, and none is ready", th, -1, []Health{down, down}, 0, Never, Replaced},
		{"gone by its number", th, 2, []Health{up, up}, 0, Never, Replaced},
		{"health of a cluster is missing", th, 1, []Health{up}, 0, Never, MovedOn},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := begin()
			f.Set(tt.th, 2, tt.current)
			use, due, change := f.Next(5500*ms, tt.health)
			require.Equal(t, tt.use, use)
			require.Equal(t, tt.due, due)
			require.Equal(t, tt.change, change)
		})
	}
}

func TestFailover_ReplacementDoesNotCountForTheLimit(t *testing.T) {
	th := Thresholds{FallbackAfter: 5 * time.Second, ReturnAfter: 30 * time.Second,
		SwitchEvery: time.Minute}
	f := NewFailover(th, 1, 0)
	f.Set(th, 2, -1)
	use, due, change := f.Next(10*time.Second, []Health{{}, {}})
	require.Equal(t, []any{0, Never, Replaced}, []any{use, due, change})
	use, _, change = f.Next(11*time.Second, []Health{{}, {Ready: true, Since: 11 * time.Second}})
	require.Equal(t, []any{1, FellBack}, []any{use, change})
}

func TestFailover_PrimaryHasTheThresholdAsOfTheStartOfTheLane(t *testing.T) {
	f := NewFailover(Thresholds{FallbackAfter: 5 * time.Second}, 2, time.Hour)
	health := []Health{{}, {Ready: true}} // away since long before
	use, due, change := f.Next(time.Hour, health)
	require.Equal(t, []any{0, time.Hour + 5*time.Second, Stayed}, []any{use, due, change})
	use, _, change = f.Next(due, health)
	require.Equal(t, []any{1, FellBack}, []any{use, change})
}
