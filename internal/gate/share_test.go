package gate

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/forebay-go/forebay/routing"
)

// sim is a broker of a given rate and three greedy lanes, in steps of a millisecond.
type sim struct {
	gate  *Gate
	rate  int // bytes a millisecond
	fair  bool
	order []routing.Priority // of the lanes' passes in one millisecond
	lanes [high + 1]greedy
	queue []*load
	now   time.Duration
}

// greedy is a lane that always has more to send.
type greedy struct {
	from     time.Duration // when it begins
	slots    int
	size     func() int
	inFlight int
	pass     time.Duration // when it looks again at what it can send
	answered int           // bytes
	stuck    bool          // the broker never answers it
	refused  time.Duration // how long it was kept back with a slot free
}

type load struct {
	p           routing.Priority
	bytes, left int
}

func (s *sim) run(until time.Duration) {
	for ; s.now < until; s.now += ms {
		s.serve()
		for _, p := range s.order {
			l := &s.lanes[p]
			if s.now >= l.from && s.now >= l.pass {
				s.send(p, l)
			}
			if s.now >= l.from && l.inFlight < l.slots {
				l.refused += ms
			}
		}
	}
}

// serve has the broker work for a millisecond: on the requests one after the other, or on all at
// once. Lanes hear of their answers at once, and send more.
func (s *sim) serve() {
	for budget := s.rate; budget > 0 && len(s.queue) > 0; {
		part := budget
		if s.fair {
			part = max(1, budget/len(s.queue))
		}
		var done []*load
		for _, r := range s.queue {
			n := min(part, r.left, budget)
			r.left -= n
			budget -= n
			if r.left == 0 {
				done = append(done, r)
			}
		}
		s.queue = slices.DeleteFunc(s.queue, func(r *load) bool { return r.left == 0 })
		for _, r := range done {
			l := &s.lanes[r.p]
			l.inFlight--
			l.answered += r.bytes
			s.gate.Answered(r.p, 1, r.bytes, s.now)
			s.send(r.p, l)
		}
	}
}

// send is what the dispatcher of a lane does in a pass.
func (s *sim) send(p routing.Priority, l *greedy) {
	for l.inFlight < l.slots {
		ok, again := s.gate.May(p, 1, s.now)
		if !ok {
			l.pass = again
			return
		}
		r := &load{p: p, bytes: l.size()}
		r.left = r.bytes
		s.gate.Sent(p, 1, r.bytes, s.now)
		if l.inFlight++; !l.stuck {
			s.queue = append(s.queue, r)
		}
	}
	s.gate.Pressing(p, 1, s.now)
	l.pass = s.now + PressFor/2
}

// drawSim draws a broker, and lanes whose requests keep it busy for up to twenty milliseconds each;
// and the size of the largest. Lanes have as many slots and requests of the same sizes: a share is
// a permission, and without the slots to use it no lane gets it.
func drawSim(rt *rapid.T, shares Shares) (*sim, int) {
	rate := rapid.IntRange(100, 100_000).Draw(rt, "rate")
	s := &sim{
		gate: NewGate(shares), rate: rate,
		fair:  rapid.Bool().Draw(rt, "fair"),
		order: rapid.Permutation(routing.All[:]).Draw(rt, "order"),
	}
	sizes := rapid.SliceOfN(rapid.IntRange(rate, 20*rate), 1, 5).Draw(rt, "sizes")
	slots := rapid.IntRange(2, 4).Draw(rt, "slots")
	for _, p := range routing.All {
		turn := 0
		s.lanes[p] = greedy{slots: slots,
			size: func() int { turn++; return sizes[turn%len(sizes)] }}
	}
	return s, slices.Max(sizes)
}

// drawShares draws shares below the third that each lane would have by its slots.
func drawShares(rt *rapid.T) Shares {
	share := rapid.Float64Range(0, 0.2)
	return Shares{low: share.Draw(rt, "low"), medium: share.Draw(rt, "medium")}
}

func TestGate_GreedyLanesGetTheirSharesAndTheHighestTheRest(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		shares := drawShares(rt)
		s, largest := drawSim(rt, shares)
		s.run(time.Second) // all begin at once, before anyone presses
		before := s.lanes
		s.run(6 * time.Second)
		var got [high + 1]float64
		total := 0.0
		for p := range got {
			got[p] = float64(s.lanes[p].answered - before[p].answered)
			total += got[p]
		}
		// What is in flight at both ends, what was paid for and not answered, and one request
		// beyond the credit.
		slack := float64(6 * largest)
		require.InDelta(rt, 5000*s.rate, total, slack, "the broker is always busy")
		require.InDelta(rt, shares[low]*total, got[low], slack, "low")
		require.InDelta(rt, shares[medium]*(total-got[low]), got[medium], slack, "medium")
		require.InDelta(rt, (1-shares[low])*(1-shares[medium])*total, got[high], 2*slack, "high")
	})
}

func TestGate_LaneThatIsStuckDelaysOthersByASecond(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		shares := drawShares(rt)
		s, largest := drawSim(rt, shares)
		s.lanes[high].stuck = true
		s.lanes[high].from = time.Duration(rapid.IntRange(0, 1500).Draw(rt, "stuck from")) * ms
		s.run(6 * time.Second)
		require.NotZero(rt, s.lanes[high].inFlight)
		require.LessOrEqual(rt, s.lanes[medium].refused, StuckAfter)
		idle := int(StuckAfter/ms) * s.rate
		require.GreaterOrEqual(rt, s.lanes[medium].answered+s.lanes[low].answered,
			6000*s.rate-idle-6*largest)
		before := s.lanes
		s.run(11 * time.Second)
		require.Equal(rt, before[medium].refused, s.lanes[medium].refused, "it is delayed once")
		gotMedium := s.lanes[medium].answered - before[medium].answered
		gotLow := s.lanes[low].answered - before[low].answered
		require.InDelta(rt, shares[low]*float64(gotLow+gotMedium), gotLow, float64(6*largest),
			"low has its share of what medium does")
	})
}

func TestGate_LaneThatPressesNowAndThenAndIsStuckDelaysOthersByASecond(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g := NewGate(Shares{})
		gap := rapid.IntRange(1, 900).Draw(rt, "gap")
		refused := time.Duration(0)
		for at := range 10_000 {
			now := time.Duration(at) * ms
			if at%gap == 0 {
				g.Pressing(high, 1, now)
			}
			if ok, _ := g.May(low, 1, now); !ok {
				refused += ms
			}
		}
		require.LessOrEqual(rt, refused, StuckAfter)
	})
}

func TestGate_LoneLaneHasTheWholeWire(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s, largest := drawSim(rt, Shares{})
		p := rapid.SampledFrom(routing.All[:]).Draw(rt, "lane")
		s.order = []routing.Priority{p}
		s.run(time.Second)
		require.Zero(rt, s.lanes[p].refused)
		require.InDelta(rt, 1000*s.rate, s.lanes[p].answered, float64((s.lanes[p].slots+2)*largest))
	})
}
