package dispatch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// hangup is a broker that hangs up on requests above a size.
type hangup struct {
	sizes
	takes int
	now   time.Duration
	dead  int
}

// send sends as much as may be sent in batches of so many bytes.
func (p *hangup) send(batch int) {
	n := max(p.ceiling(p.now)/batch, 1) * batch
	p.sent(n, p.now)
	p.now += 10 * time.Millisecond
	if n > p.takes {
		p.dead++
		p.ended(n, false)
	} else {
		p.answered(n, p.now)
	}
}

func TestSizes_StaysBelowWhatDiedAndProbesRarely(t *testing.T) {
	for _, batch := range []int{100_000, 300_000, 1_000_000} {
		p := hangup{sizes: sizes{limit: firstRequest}, takes: 1_046_528}
		for range 500 { // five seconds
			p.send(batch)
		}
		require.LessOrEqual(t, p.dead, 10, "it has to be found out")
		learnt := p.dead
		for p.now < 24*time.Hour {
			p.now += 100 * time.Millisecond
			p.send(batch)
		}
		require.LessOrEqual(t, p.dead-learnt, 40, "some probes at first, then one an hour")
		require.GreaterOrEqual(t, p.took, p.takes/2)
	}
}

func TestSizes_FindsOutThatTheLimitIsGone(t *testing.T) {
	p := hangup{sizes: sizes{limit: firstRequest}, takes: 1_046_528}
	for range 100 {
		p.send(300_000)
	}
	require.True(t, p.sure())
	p.takes = 100 << 20
	since := p.now
	for p.ceiling(p.now) < maxRequestBytes {
		p.send(300_000)
		require.Less(t, p.now, since+time.Minute)
	}
	require.False(t, p.sure())
}

func TestSizes_ABrokenConnectionShrinksNothingForLong(t *testing.T) {
	large := 4_000_000
	t.Run("once", func(t *testing.T) {
		z := sizes{limit: maxRequestBytes}
		z.answered(large, 0)
		z.ended(large, false)
		z.ended(large, true)
		require.Equal(t, large/2, z.limit, "two requests on one connection are one death")
		z.answered(100, 0)
		z.answered(large/2, 0)
		z.answered(large, 0)
		require.Zero(t, z.deaths)
		require.Equal(t, maxRequestBytes, z.ceiling(0))
	})
	t.Run("again and again, with large and small requests alike", func(t *testing.T) {
		z := sizes{limit: maxRequestBytes}
		for i := range 1000 {
			n := []int{large, 70_000, large / 2, 500}[i%4]
			if i%3 == 0 {
				z.ended(n, false)
			} else {
				z.answered(n, 0)
			}
		}
		for range 10 {
			z.answered(min(large, z.ceiling(sizePause)), sizePause)
		}
		require.Equal(t, maxRequestBytes, z.ceiling(sizePause))
	})
	t.Run("small requests say nothing of size", func(t *testing.T) {
		z := sizes{limit: maxRequestBytes}
		for range 10 {
			z.ended(2000, false)
			z.answered(1000, 0)
		}
		require.False(t, z.sure())
	})
}
