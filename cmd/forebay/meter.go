package main

import "time"

// meterWindow is how long rates are averaged over. Deliveries come in bursts, so a shorter window
// would flicker.
const meterWindow = 5 * time.Second

// meter measures how fast a count grows. Its zero value is ready.
type meter struct {
	samples []sample  // oldest first; all but the first within the window
	moved   time.Time // when the count last changed
}

type sample struct {
	at    time.Time
	count uint64
}

// add records the count at a moment. It returns its growth per second over the window, and how long
// it has not changed.
func (m *meter) add(at time.Time, count uint64) (rate float64, idle time.Duration) {
	if n := len(m.samples); n == 0 || m.samples[n-1].count != count {
		m.moved = at
	}
	m.samples = append(m.samples, sample{at, count})
	for len(m.samples) > 1 && at.Sub(m.samples[1].at) >= meterWindow {
		m.samples = m.samples[1:]
	}
	first := m.samples[0]
	if elapsed := at.Sub(first.at).Seconds(); elapsed > 0 {
		rate = float64(count-first.count) / elapsed
	}
	return rate, at.Sub(m.moved)
}
