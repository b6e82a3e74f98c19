package gate

import (
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/forebay-go/forebay/routing"
)

const (
	low, medium, high = routing.Low, routing.Medium, routing.High
	ms                = time.Millisecond
	mib               = 1 << 20
)

func TestGate_WhoKeepsBackForWhom(t *testing.T) {
	type call func(g *Gate)
	press := func(p routing.Priority, at time.Duration) call {
		return func(g *Gate) {
			g.Pressing(p, 1, at)
		}
	}
	answer := func(p routing.Priority, bytes int, at time.Duration) call {
		return func(g *Gate) { g.Answered(p, 1, bytes, at) }
	}
	send := func(p routing.Priority, bytes int, at time.Duration) call {
		return func(g *Gate) { g.Sent(p, 1, bytes, at) }
	}
	pressUntil := func(p routing.Priority, end time.Duration) call {
		return func(g *Gate) {
			for at := time.Duration(0); at <= end; at += PressFor {
				g.Pressing(p, 1, at)
			}
		}
	}
	for _, tt := range []struct {
		name  string
		calls []call
		p     routing.Priority
		at    time.Duration
		ok    bool
		again time.Duration
	}{
		{"nobody presses", nil, low, 0, true, 0},
		{"a higher one presses", []call{press(high, 0)}, low, 10 * ms, false, 15 * ms},
		{"for a while", []call{press(high, 0)}, low, 48 * ms, false, 50 * ms},
		{"and no longer", []call{press(high, 0)}, low, 50 * ms, true, 0},
		{"one that is not much higher", []call{press(medium, 0)}, low, 0, false, 5 * ms},
		{"the same one", []call{press(medium, 0)}, medium, 0, true, 0},
		{"a lower one", []call{press(medium, 0)}, high, 0, true, 0},
		{"at another broker", []call{func(g *Gate) { g.Pressing(high, 2, 0) }}, low, 0, true, 0},
		{"it gets no answer for nearly a second", []call{pressUntil(high, 950*ms)}, low, 998 * ms,
			false, 1000 * ms},
		{"it is stuck", []call{pressUntil(high, 1000*ms)}, low, 1000 * ms, true, 0},
		{"it was stuck", []call{pressUntil(high, 1000*ms), answer(high, 0, 1010*ms)}, low,
			1010 * ms, false, 1015 * ms},
		{"it was stuck, and presses on", []call{pressUntil(high, 1000*ms), answer(high, 0, 1010*ms),
			press(high, 1020*ms)}, low, 1060 * ms, false, 1065 * ms},
		{"it was stuck, and rested", []call{pressUntil(high, 1000*ms), press(high, 2000*ms)}, low,
			2000 * ms, false, 2005 * ms},
		{"it is stuck, the other is not", []call{pressUntil(high, 1000*ms), press(medium, 1000*ms)},
			low, 1010 * ms, false, 1015 * ms},
		{"a lower one's answer is not its own",
			[]call{pressUntil(high, 1000*ms), answer(medium, 1, 1000*ms)}, low, 1000 * ms, true, 0},
		{"its answers bring credit", []call{press(high, 0), answer(high, 1, 0)}, low, 0, true, 0},
		{"to both", []call{press(high, 0), answer(high, 1, 0)}, medium, 0, true, 0},
		{"not to itself", []call{press(high, 0), answer(medium, 1, 0)}, medium, 0, false, 5 * ms},
		{"which is spent", []call{press(high, 0), answer(high, 900, 0), send(low, 100, 0)}, low, 0,
			false, 5 * ms},
		{"by what the share says", []call{press(high, 0), answer(high, 901, 0), send(low, 100, 0)},
			low, 0, true, 0},
		{"and earned again", []call{press(high, 0), answer(high, 1, 0), send(low, 100, 0),
			answer(high, 900, 0)}, low, 0, true, 0},
		{"not by answers while nobody presses",
			[]call{press(high, 0), answer(high, 1000, 60*ms),
				press(high, 60*ms)}, low, 60 * ms, false, 65 * ms},
		{"and what is sent then costs nothing",
			[]call{press(high, 0), answer(high, 10, 0), send(low, 1000, 60*ms),
				press(high, 60*ms)}, low, 60 * ms, true, 0},
		{"no more is saved than a request", []call{press(high, 0), answer(high, 1000*mib, 0),
			send(low, 8*mib, 0)}, low, 0, false, 5 * ms},
		{"no more is owed than a request", []call{press(high, 0), send(low, 100*mib, 0),
			answer(high, 72*mib, 0), answer(high, 1, 0)}, low, 0, true, 0},
		{"nothing is kept of a broker that was idle",
			[]call{press(high, 0), answer(high, mib, 0),
				press(high, time.Hour)}, low, time.Hour, false, time.Hour + 5*ms},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := NewGate(Shares{low: 0.1, medium: 0.5})
			for _, c := range tt.calls {
				c(g)
			}
			ok, again := g.May(tt.p, 1, tt.at)
			require.Equal(t, tt.ok, ok)
			require.Equal(t, tt.again, again)
		})
	}
}

func TestGate_SharesChangeWhileItRunsAndAreBounded(t *testing.T) {
	g := NewGate(Shares{})
	credit := func() float64 {
		g.Pressing(high, 1, 0)
		b := g.brokers[1]
		before := b.lanes[low].credit
		g.Answered(high, 1, 1000, 0)
		return b.lanes[low].credit - before
	}
	require.Zero(t, credit())
	for _, tt := range []struct{ share, credit float64 }{{0.2, 250}, {0.5, 1000}, {0.9, 1000},
		{-1, 0}, {math.NaN(), 0}, {math.Inf(1), 1000}} {
		g.SetShares(Shares{low: tt.share})
		require.InDelta(t, tt.credit, credit(), 1e-6)
	}
}

func TestGate_ForgetsBrokersThatAreIdle(t *testing.T) {
	g := NewGate(Shares{})
	for id := range int32(maxBrokers + maxBrokers/2) {
		g.Pressing(high, id, 0)
		require.LessOrEqual(t, len(g.brokers), maxBrokers)
	}
	g.Pressing(high, 0, time.Minute)
	g.Pressing(high, -1, time.Minute+ms)
	require.Len(t, g.brokers, 2)
	for id := range int32(100) { // only what presses is remembered
		g.Answered(high, 1000+id, 1, time.Minute)
		g.Sent(low, 1000+id, 1, time.Minute)
		g.May(low, 1000+id, time.Minute)
	}
	require.Len(t, g.brokers, 2)
}

func TestGate_DelaysNobodyForWhomNoHigherLanePresses(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g := NewGate(Shares{low: rapid.Float64Range(0, 0.5).Draw(rt, "low"),
			medium: rapid.Float64Range(0, 0.5).Draw(rt, "medium")})
		pressed := map[routing.Priority]time.Duration{low: -time.Hour, medium: -time.Hour,
			high: -time.Hour}
		now := time.Duration(0)
		priority, bytes := rapid.SampledFrom(routing.All[:]), rapid.IntRange(0, 20*mib)
		for range rapid.IntRange(1, 100).Draw(rt, "steps") {
			now += time.Duration(rapid.SampledFrom([]int{0, 0, 1, 10, 50, 1000, 60_000}).Draw(rt,
				"later")) * ms
			p := priority.Draw(rt, "lane")
			switch rapid.IntRange(0, 3).Draw(rt, "call") {
			case 0:
				g.Pressing(p, 1, now)
				pressed[p] = now
			case 1:
				g.Answered(p, 1, bytes.Draw(rt, "answered"), now)
			case 2:
				g.Sent(p, 1, bytes.Draw(rt, "sent"), now)
			}
			ok, again := g.May(p, 1, now)
			someone := false
			for q := p + 1; q <= high; q++ {
				someone = someone || now-pressed[q] < PressFor
			}
			require.True(rt, ok || someone)
			if !ok {
				require.Greater(rt, again, now)
				require.LessOrEqual(rt, again, now+AskAgain)
			}
			if b := g.brokers[1]; b != nil {
				require.LessOrEqual(rt, math.Abs(b.lanes[p].credit), float64(maxCredit))
			}
		}
	})
}

func TestGate_IsConcurrentSafe(t *testing.T) {
	g := NewGate(Shares{low: 0.1, medium: 0.1})
	var wg sync.WaitGroup
	for _, p := range routing.All {
		wg.Go(func() {
			for i := range 1000 {
				now, id := time.Duration(i)*ms, int32(i%7)
				g.Pressing(p, id, now)
				if ok, _ := g.May(p, id, now); ok {
					g.Sent(p, id, 100, now)
				}
				g.Answered(p, id, 100, now)
				g.SetShares(Shares{low: 0.2, medium: 0.1})
			}
		})
	}
	wg.Wait()
	require.Len(t, g.brokers, 7)
}

func TestGate_AllocatesNothing(t *testing.T) {
	g := NewGate(Shares{low: 0.1})
	now := time.Duration(0)
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		now += ms
		g.Pressing(high, 1, now)
		g.Answered(high, 1, 100, now)
		g.May(low, 1, now)
		g.Sent(low, 1, 10, now)
	}))
}

func BenchmarkMay(b *testing.B) {
	for _, bb := range []struct {
		name string
		p    routing.Priority
		at   time.Duration
	}{{"highest", high, 0}, {"held", low, 0}, {"free", low, PressFor}} {
		g := NewGate(Shares{low: 0.1})
		g.Pressing(high, 1, 0)
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				g.May(bb.p, 1, bb.at)
			}
		})
		b.Run(bb.name+"/parallel", func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					g.May(bb.p, 1, bb.at)
				}
			})
		})
	}
}
