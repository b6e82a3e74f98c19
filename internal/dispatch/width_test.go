package dispatch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/internal/cluster"
)

// widthAfter returns the width after d of a load that always waits, at a broker whose answers with
// so many batches of ours in flight take so long. Each batch is of one byte.
func widthAfter(w *width, d time.Duration, took func(ours int) time.Duration) int {
	for now := time.Second; now < d; {
		ours, each := w.is, took(w.is)
		now += each
		for range ours {
			w.acked(1, each, now, true)
		}
	}
	return w.is
}

// queue returns how long a broker takes that serves one batch in 50 ms, one after the other, with
// so many of others in flight.
func queue(others int) func(int) time.Duration {
	return func(ours int) time.Duration {
		return time.Duration(ours+others) * 50 * time.Millisecond
	}
}

func takes(d time.Duration) func(int) time.Duration {
	return func(int) time.Duration { return d }
}

func TestWidth_GrowsWhileMoreIsAcknowledged(t *testing.T) {
	w := &width{is: 1}
	require.Equal(t, cluster.Widest, widthAfter(w, 20*time.Second, takes(400*time.Millisecond)))
	w.acked(1, 50*time.Millisecond, 21*time.Second, false)
	require.Equal(t, cluster.Widest, w.is, "that less waits says nothing of the broker")

	require.Equal(t, 1, widthAfter(&width{is: 1}, time.Hour, takes(90*time.Millisecond)),
		"it is not late")
}

// Where others have requests in flight as well, more of ours take their place in the queue. Ours
// become a third of all at most, which has the others wait for half as long again.
func TestWidth_AtABrokerWithTooMuchToDoItLeavesTheOthersTheirPlace(t *testing.T) {
	for others, most := range map[int]int{1: 1, 2: 1, 4: 1, 8: 2, 16: 4, 40: 8} {
		w, wide, of := &width{is: 1}, time.Duration(0), time.Duration(0)
		for now := time.Second; now < time.Hour; {
			took := queue(others)(w.is)
			now += took
			if of += took; w.is > most {
				wide += took
			}
			for range w.is {
				w.acked(1, took, now, true)
			}
		}
		require.Less(t, float64(wide)/float64(of), 0.05, "%d others: time at more than %d", others,
			most)
	}
}

// A load that waits for a while, and then does not, is no reason to keep a width that brought
// nothing.
func TestWidth_IsOnTrialUntilMoreWaitsAgain(t *testing.T) {
	w, wide, of := &width{is: 1}, time.Duration(0), time.Duration(0)
	for now := time.Second; now < time.Hour; {
		from := now
		for tried := w.is; now < from+time.Minute && w.is == tried; { // until another is on trial
			took := queue(4)(w.is)
			now += took
			if of += took; w.is > 1 {
				wide += took
			}
			for range w.is {
				w.acked(1, took, now, true)
			}
		}
		w.acked(1, queue(4)(w.is), now, false)
		require.LessOrEqual(t, w.is, 2)
	}
	require.Less(t, float64(wide)/float64(of), 0.05, "time at more than one")
}

func TestWidth_IsGivenUpWhenTheBrokerBecomesSlowerOrQuick(t *testing.T) {
	w := &width{is: 1}
	widthAfter(w, 20*time.Second, takes(400*time.Millisecond))
	require.Equal(t, cluster.Widest, w.is)
	for now := 21 * time.Second; now < 2*time.Minute; {
		took := 4 * queue(4)(w.is)
		now += took
		for range w.is {
			w.acked(1, took, now, true)
		}
	}
	require.LessOrEqual(t, w.is, 2, "two may be on trial")
	widthAfter(w, 20*time.Second, takes(400*time.Millisecond))
	for now := 2 * time.Minute; now < 2*time.Minute+10*time.Second; now += 10 * time.Millisecond {
		w.acked(1, 10*time.Millisecond, now, true)
	}
	require.Equal(t, 1, w.is)
}
