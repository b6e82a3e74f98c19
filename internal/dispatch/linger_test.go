package dispatch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// steady sends requests as they come at a rate, each with what has come in a linger.
func steady(l *Linger, s *Settings, perSecond, size int, now *time.Duration) time.Duration {
	for range 200 {
		wait := max(l.In(s), ms)
		*now += wait
		records := max(1, int(float64(perSecond)*wait.Seconds()))
		l.Sent(s, records, records*size, *now)
	}
	return l.In(s)
}

func TestLinger_IsLongerWhereRecordsAreFew(t *testing.T) {
	var now time.Duration
	for _, c := range []struct {
		least, most     time.Duration
		perSecond, size int
		from, to        time.Duration // that it is between, in the end
	}{
		{10 * ms, 0, 100, 100, 10 * ms, 10 * ms},
		{10 * ms, time.Second, 100, 100, 80 * ms, 130 * ms},
		{10 * ms, 50 * ms, 100, 100, 50 * ms, 50 * ms},
		{10 * ms, time.Second, 10_000, 100, 10 * ms, 10 * ms},
		{10 * ms, time.Second, 100, 20_000, 10 * ms, 12 * ms},
		{0, time.Second, 1000, 100, 8 * ms, 13 * ms},
		{0, time.Second, 100_000, 100, 0, ms},
	} {
		var l Linger
		is := steady(&l, &Settings{Linger: c.least, MaxLinger: c.most}, c.perSecond, c.size, &now)
		require.GreaterOrEqual(t, is, c.from, "%+v", c)
		require.LessOrEqual(t, is, c.to, "%+v", c)
	}
}

func TestLinger_FollowsTheRateAndTheSettings(t *testing.T) {
	var now time.Duration
	var l Linger
	s := &Settings{Linger: 10 * ms, MaxLinger: time.Second}
	require.Greater(t, steady(&l, s, 20, 100, &now), 300*ms)
	require.Equal(t, 10*ms, steady(&l, s, 5000, 100, &now))
	require.Greater(t, steady(&l, s, 20, 100, &now), 300*ms)
	require.Equal(t, 100*ms, l.In(&Settings{Linger: 10 * ms, MaxLinger: 100 * ms}))
	require.Equal(t, 10*ms, l.In(&Settings{Linger: 10 * ms}))
}

func TestLinger_StaysLongWhereAPassSendsVeryManyRequests(t *testing.T) {
	var l Linger
	s := &Settings{Linger: 10 * ms, MaxLinger: time.Second}
	for i := range 100 * lingerRequests { // one to each of many brokers
		l.Sent(s, 1, 100, ms)
		if seen := l; i > 20*lingerRequests {
			require.Equal(t, time.Second, seen.In(s))
		}
	}
}
