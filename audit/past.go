package audit

import (
	"slices"
	"time"

	"github.com/forebay-go/forebay/delivery"
)

// pastMinutes is how far back the past of a broker goes.
const pastMinutes = 60

// BrokerMinute is how a broker was in one minute.
type BrokerMinute struct {
	Start        time.Time
	State        BrokerState // the worst
	Acknowledged uint64      // heartbeats
	Failed       uint64
	Longest      time.Duration // until an acknowledgement
}

// tally counts the heartbeats of a broker. Those of a partition count for the broker that leads it
// when they are sent, answered or read.
type tally struct {
	sent, failed uint64
	ack, read    delivery.Histogram
	past         []BrokerMinute // the oldest first
}

// minute returns the minute that a time is in. A clock that goes back stays in the newest minute.
func (t *tally) minute(now time.Time) *BrokerMinute {
	start := now.Truncate(time.Minute)
	if n := len(t.past); n == 0 || t.past[n-1].Start.Before(start) {
		if n == pastMinutes {
			t.past = slices.Delete(t.past, 0, 1)
		}
		t.past = append(t.past, BrokerMinute{Start: start, State: Unwatched})
	}
	return &t.past[len(t.past)-1]
}

// acknowledge counts a heartbeat that was acknowledged.
func (t *tally) acknowledge(now time.Time, took time.Duration) {
	count(&t.ack, took)
	m := t.minute(now)
	m.Acknowledged++
	m.Longest = max(m.Longest, took)
}

// fail counts a heartbeat that was not delivered.
func (t *tally) fail(now time.Time) {
	t.failed++
	t.minute(now).Failed++
}

// count counts a duration.
func count(h *delivery.Histogram, took time.Duration) {
	h.Buckets[delivery.Bucket(took)]++
	h.Sum += took.Seconds()
}

// tallyLocked returns the tally of the broker that leads a partition. What no broker leads is
// counted for none.
func (h *Heart) tallyLocked(b *beat) *tally {
	if w := h.brokers[b.leader]; w != nil {
		return &w.tally
	}
	return new(tally)
}
