package cluster

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
)

// laps has n targets probed in turn for d, each of which fails at once, and returns how often that
// was and the longest that the walk rested.
func laps(w *walk, n int, d time.Duration) (probes int, longest time.Duration) {
	begin := time.Now()
	last := begin
	for now := begin; now.Before(begin.Add(d)); now = w.due(now) {
		if w.ready(now, n) {
			probes++
			longest = max(longest, now.Sub(last))
			last = now
		}
	}
	return probes, longest
}

func TestWalk_ProbesThreeInTheTimeOfOneAndEachOnceInTheLongestTime(t *testing.T) {
	for _, most := range []time.Duration{ProbeMax, time.Minute} {
		for n, atOnce := range map[int]float64{1: 1, 2: 2, 3: 3, 12: 3, 60: 3, 100: 5, 300: 15} {
			often, _ := newWalks(most)
			probes, longest := laps(often, n, 100*most)
			require.InEpsilon(t, 100*soonTimes*atOnce, probes, 0.05, "%d brokers", n)
			require.LessOrEqual(t, longest.Seconds(), 1.21*most.Seconds()/soonTimes/atOnce)
		}
	}
}

func TestWalk_ProbesEachOnceInTheLongestTimeInALongOutage(t *testing.T) {
	for _, most := range []time.Duration{ProbeMax, time.Minute} {
		for _, n := range []int{1, 3, 12, 100} {
			_, rarely := newWalks(most)
			for range 10 {
				rarely.gap(n) // it begins with shorter ones
			}
			probes, longest := laps(rarely, n, 100*most)
			require.InEpsilon(t, 100*4/3*n, probes, 0.15, "%d brokers", n)
			require.LessOrEqual(t, longest, most/time.Duration(n))
		}
	}
}

// However many brokers an answer names.
func TestWalk_ProbesTwoHundredASecondAtMost(t *testing.T) {
	often, rarely := newWalks(100 * time.Millisecond)
	for _, w := range []*walk{often, rarely} {
		probes, _ := laps(w, 100_000, time.Minute)
		require.InDelta(t, 60*200, probes, 1)
	}
}

func TestWalk_RestsAfterAFailureAndHurriesWhenTheClusterIsBack(t *testing.T) {
	w, _ := newWalks(ProbeMax)
	now := time.Now()
	require.True(t, w.ready(now, 1), "the first")
	w.rest()
	now = now.Add(time.Minute) // a probe that hung
	require.False(t, w.ready(now, 1))
	require.GreaterOrEqual(t, w.due(now).Sub(now), 80*time.Millisecond)
	w.hurry(now, 5)
	for range 5 {
		require.Equal(t, now, w.due(now))
		require.True(t, w.ready(now, 5))
	}
	require.False(t, w.ready(now, 5))
	w.hurry(now, 1000)
	for range hurryAtOnce {
		require.True(t, w.ready(now, 1000))
	}
	require.False(t, w.ready(now, 1000))
}

// brokersAway returns a supervisor that knows n brokers, none of which has answered since an outage
// began at the time since.
func brokersAway(n int32, since time.Time) *supervisor {
	s := &supervisor{c: new(Cluster), targets: make(targets)}
	s.often, s.rarely = newWalks(ProbeMax)
	for id := range n {
		s.targets[id] = &target{state: bad, since: since, turn: mixed(since)}
	}
	return s
}

func TestWalk_AProbeThatHangsDelaysNoneOfTheOthers(t *testing.T) {
	now := time.Now()
	s := brokersAway(12, now)
	for id := range int32(11) {
		s.targets[id].asked = true
	}
	id, _, n := s.turnIn(s.often, now, true)
	require.EqualValues(t, 11, id)
	require.Equal(t, 12, n)
}

func TestWalk_OfALongOutageEndsWithTheFirstAnswer(t *testing.T) {
	now := time.Now()
	s := brokersAway(5, now.Add(-time.Hour))
	s.targets[1].refused = true
	_, none, _ := s.turnIn(s.often, now, true)
	require.Nil(t, none)
	s.light(s.targets[0], now)
	s.targets[0].state = good
	for range 4 {
		id, next, _ := s.turnIn(s.often, now, false)
		require.Positive(t, id)
		require.True(t, s.often.ready(now, 4), "at once")
		next.asked = true
	}
}

// A broker that answers probes and fails everything else shows nothing of the others.
func TestWalk_OfALongOutageIsNotEndedByABrokerThatIsSuspectForAMoment(t *testing.T) {
	c, err := New(Config{Name: "test", Seeds: []string{"seed:1"}, Logger: zap.NewNop()})
	require.NoError(t, err)
	c.Start() // of others, so that Close ends
	t.Cleanup(c.Close)
	for state, over := range map[targetState]bool{suspect: false, bad: true} {
		now := time.Now()
		s, resp := brokersAway(5, now.Add(-time.Hour)), new(kmsg.MetadataResponse)
		s.c, s.view, s.creator, s.turns = c, new(View), newCreator(c), make(turns)
		for id, target := range s.targets {
			target.addr = addrOf("broker", id)
			resp.Brokers = append(resp.Brokers, kmsg.MetadataResponseBroker{NodeID: id,
				Host: "broker", Port: id})
		}
		s.targets[0].state = state
		s.learn(answer{resp: resp}, s.targets[0])
		require.Equal(t, good, s.targets[0].state)
		_, soon, _ := s.turnIn(s.often, now, false)
		require.Equal(t, over, soon != nil)
	}
}

// attemptsOf has so many instances probe n brokers from a time on, for some seconds, and counts the
// probes of each broker in each second.
func attemptsOf(instances, seconds int, n int32, since, from time.Time) [][]int {
	counts := make([][]int, seconds)
	for i := range counts {
		counts[i] = make([]int, n)
	}
	for range instances {
		s := brokersAway(n, since)
		s.often.rest()
		s.rarely.rest()
		for now := from; now.Before(from.Add(time.Duration(seconds) * time.Second)); {
			id, to, count := s.turnIn(s.often, now, true)
			w := s.often
			if to == nil {
				w = s.rarely
				id, to, count = s.turnIn(w, now, true)
			}
			if w.ready(now, count) {
				to.turn = now
				counts[int(now.Sub(from)/time.Second)][id]++
			}
			now = w.due(now)
		}
	}
	return counts
}

// All of them have seen the cluster go away at the same moment.
func TestWalk_TenThousandInstancesProbeAllBrokersEvenly(t *testing.T) {
	for _, c := range []struct {
		instances int
		brokers   int32
		lasts     time.Duration
		rate      float64 // attempts a second of each instance, on each broker
	}{
		{10_000, 3, 0, soonTimes / ProbeMax.Seconds()},
		{10_000, 12, 0, soonTimes / ProbeMax.Seconds() * together / 12},
		{1000, 100, 0, 1 / ProbeMax.Seconds()},
		{10_000, 12, time.Hour, 4 / ProbeMax.Seconds() / 3},
	} {
		now := time.Now()
		counts := attemptsOf(c.instances, 2, c.brokers, now.Add(-c.lasts), now)
		for second, of := range counts {
			for _, attempts := range of {
				rate := float64(attempts) / float64(c.instances)
				if c.lasts == 0 || second > 0 { // at first, a long outage is probed sooner
					require.Less(t, math.Abs(rate-c.rate), c.rate/5, "%+v", c)
				}
			}
		}
	}
}
