package audit

import (
	"slices"
	"time"
)

// beat is what is known of one partition.
type beat struct {
	leader   int32                // -1: none
	pending  map[uint64]time.Time // heartbeats without an outcome, by sequence
	acked    time.Time            // when the newest acknowledgement came
	begun    time.Time            // when its leader was given its first heartbeat
	ack, end latest               // of acknowledgements; until the record was read
	sent     uint64
	failed   uint64
	why      error // of the newest that failed
}

// latest keeps the newest durations.
type latest struct {
	ring  [60]time.Duration
	count int
}

func (l *latest) add(d time.Duration) {
	l.ring[l.count%len(l.ring)] = d
	l.count++
}

// of returns the newest, the median, and the largest.
func (l *latest) of() (t Times) {
	n := min(l.count, len(l.ring))
	if n == 0 {
		return t
	}
	sorted := slices.Sorted(slices.Values(l.ring[:n]))
	return Times{Last: l.ring[(l.count-1)%len(l.ring)], Median: sorted[n/2], Longest: sorted[n-1]}
}

// Times are those of the last 60 heartbeats to a partition.
type Times struct{ Last, Median, Longest time.Duration }

func (b *beat) state(cfg *HeartbeatConfig, now time.Time) BrokerState {
	since := b.begun // since when nothing was acknowledged
	if b.acked.After(since) {
		since = b.acked
	}
	waits := time.Duration(0)
	for _, sent := range b.pending {
		waits = max(waits, now.Sub(sent))
	}
	switch {
	case b.sent == 0:
		return Starting
	case now.Sub(since) > cfg.dead():
		return Dead
	case waits > cfg.Slow || b.ack.count > 0 && b.ack.of().Last > cfg.Slow:
		return Slow
	case b.ack.count == 0:
		return Starting
	}
	return Well
}
