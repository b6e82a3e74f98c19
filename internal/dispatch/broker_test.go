package dispatch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The answers of a broker that has much to do come late, and later the more requests it has.
func TestBroker_OneThatIsBusyIsNotTakenForAFarOne(t *testing.T) {
	b := newBrokerState(1)
	b.away = time.Millisecond
	for at := time.Duration(0); at < 10*time.Second; at += 200 * time.Millisecond {
		b.learn(&shipment{broker: b, launched: at, landed: at + 300*time.Millisecond}, false)
	}
	require.Equal(t, slotsPerBroker, b.slots(), "more requests add to what it has to do")
	b.away = 50 * time.Millisecond
	require.Equal(t, 9, b.slots(), "more requests fill the way to it")
	b.away = time.Second
	require.Equal(t, slotsFar, b.slots())
	b.fails = 1
	require.Equal(t, 1, b.slots())
}

// A broker that goes away takes all requests in flight with it. That is one failure.
func TestBroker_RequestsThatFailTogetherAreOneFailure(t *testing.T) {
	b, now := newBrokerState(1), time.Minute
	for range 16 {
		b.fail(now-time.Second, now)
	}
	require.Equal(t, 1, b.fails)
	require.InDelta(t, retryMin, b.retryAt-now, float64(retryMin)/5)
	for launched := now; launched < now+time.Minute; launched = b.retryAt {
		b.fail(launched+1, launched+2)
	}
	require.Greater(t, b.fails, 50)
	require.Less(t, b.fails, 80, "each later attempt waits longer, up to a second")
}
