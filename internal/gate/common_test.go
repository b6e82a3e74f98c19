package gate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/routing"
)

func TestCommon_ALaneWaitsBehindNoOther(t *testing.T) {
	for _, tt := range []struct {
		name  string
		there routing.Priority // has a request on the connection since 0
		p     routing.Priority
		at    time.Duration
		ok    bool
		again time.Duration
	}{
		{"behind its own", high, high, 0, true, 0},
		{"behind its own that has waited for long", high, high, 100 * ms, true, 0},
		{"behind a lower one", low, high, 1 * ms, false, 3 * ms},
		{"behind one that is not much lower", medium, high, 1 * ms, false, 3 * ms},
		{"behind a higher one", high, low, 1 * ms, false, 3 * ms},
		{"behind one that is not much higher", medium, low, 1 * ms, false, 3 * ms},
	} {
		c := NewCommon()
		c.Sent(tt.there, 1)
		ok, again := c.May(tt.p, 1, tt.at)
		require.Equal(t, tt.ok, ok, tt.name)
		require.Equal(t, tt.again, again, tt.name)
		ok, _ = c.May(tt.p, 2, tt.at)
		require.True(t, ok, "at another broker")
		c.Ended(tt.there, 1)
		ok, _ = c.May(tt.p, 1, tt.at)
		require.True(t, ok, tt.name)
	}
}

// waited returns how long high waits from a time on, if it asks as soon as it is told to.
func waited(c *Common, from time.Duration) time.Duration {
	for at := from; ; {
		ok, again := c.May(high, 1, at)
		if ok || again == 0 {
			return at - from
		}
		at = again
	}
}

func TestCommon_ALaneThatHasToWaitOftenDoesNotWaitAgain(t *testing.T) {
	c := NewCommon()
	c.Sent(low, 1)
	for i := range time.Duration(commonOften - 1) {
		require.Equal(t, CommonMost, waited(c, i*time.Second))
	}
	require.Equal(t, CommonWait, waited(c, 4*time.Second), "that is the last time")
	require.Zero(t, waited(c, 4500*ms))
	require.Equal(t, CommonMost, waited(c, 10*time.Second))
}

func TestCommon_ALaneThatWaitsForAMomentMayDoSoOften(t *testing.T) {
	c := NewCommon()
	for i := range time.Duration(100) {
		c.Sent(low, 1)
		ok, again := c.May(high, 1, i*20*ms)
		require.False(t, ok)
		require.NotZero(t, again)
		c.Ended(low, 1)
		ok, _ = c.May(high, 1, i*20*ms+8*ms)
		require.True(t, ok)
	}
}

func TestCommon_ALaneThatWaitsGoesBeforeLowerOnes(t *testing.T) {
	c := NewCommon()
	c.Sent(low, 1)
	ok, _ := c.May(high, 1, 0)
	require.False(t, ok)
	c.Ended(low, 1)
	ok, again := c.May(low, 1, 1*ms)
	require.False(t, ok, "high waits")
	require.Equal(t, 3*ms, again)
	ok, _ = c.May(high, 1, 2*ms)
	require.True(t, ok)
	ok, _ = c.May(low, 1, 3*ms)
	require.True(t, ok, "high does not wait any more")
}

func TestCommon_ALaneThatHasGoneElsewhereDoesNotWait(t *testing.T) {
	c := NewCommon()
	c.Sent(low, 1)
	_, _ = c.May(high, 1, 0)
	c.Ended(low, 1)
	ok, _ := c.May(low, 1, CommonWait)
	require.True(t, ok)
	c.Sent(low, 1)
	ok, again := c.May(high, 1, 100*ms)
	require.False(t, ok)
	require.NotZero(t, again, "its time begins anew")
}

func TestCommon_NobodyWaitsForAThrottle(t *testing.T) {
	c := NewCommon()
	c.Mute(1, 100*ms)
	c.Mute(1, 50*ms)
	ok, again := c.May(high, 1, 99*ms)
	require.False(t, ok)
	require.Zero(t, again)
	ok, _ = c.May(high, 2, 99*ms)
	require.True(t, ok)
	ok, _ = c.May(high, 1, 100*ms)
	require.True(t, ok)
}

func TestCommon_ABrokerIsForgottenWhenNothingIsOnItsWay(t *testing.T) {
	c := NewCommon()
	c.Sent(low, 1)
	c.Forget(1)
	ok, _ := c.May(high, 1, 0)
	require.False(t, ok)
	c.Ended(low, 1)
	c.Forget(1)
	require.Empty(t, c.brokers)
}

// A dispatcher with many topics, or one that gets little processor time, asks rarely.
func TestCommon_ALaneThatAsksRarelyTakesItsOwnInTheEnd(t *testing.T) {
	c := NewCommon()
	c.Sent(low, 1)
	wait := func(from time.Duration) time.Duration {
		for at := from; at < from+time.Second; at += CommonWait + ms {
			if ok, again := c.May(high, 1, at); !ok && again == 0 {
				return at - from
			}
		}
		return time.Second
	}
	require.InDelta(t, 55*ms, wait(0), float64(11*ms))
	require.InDelta(t, 55*ms, wait(2*time.Second), float64(11*ms), "its time begins anew")
}
