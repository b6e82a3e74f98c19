package dispatch

import "time"

// A request costs a broker, and us, as much as many small records. One that has WellRecords or
// WellBytes is filled well enough: to wait longer would save little.
const (
	WellRecords = 10
	WellBytes   = 16 << 10
)

const (
	// The linger follows after so many requests, or after that time if there are fewer.
	lingerRequests = 8
	lingerSpan     = time.Second
	// leastLinger is what a linger grows from.
	leastLinger = time.Millisecond
)

// Linger is how long the open batches of a lane wait for more records, where the settings give a
// range: longer while requests have few records.
type Linger struct {
	is       time.Duration
	since    time.Duration // when counting began
	requests int
	records  int
	bytes    int
}

// In returns the linger within the range that settings give.
func (l *Linger) In(s *Settings) time.Duration {
	l.is = min(max(l.is, s.Linger), max(s.Linger, s.MaxLinger))
	return l.is
}

// Sent counts a request that was sent at a time, and follows within the range that settings give.
func (l *Linger) Sent(s *Settings, records, bytes int, now time.Duration) {
	l.requests++
	l.records += records
	l.bytes += bytes
	if l.requests < lingerRequests && now-l.since < lingerSpan {
		return
	}
	n := float64(l.requests)
	fill := max(float64(l.records)/n/WellRecords, float64(l.bytes)/n/WellBytes)
	is := time.Duration(float64(max(l.is, leastLinger)) * min(max(1/fill, 0.5), 2))
	*l = Linger{is: is, since: now}
	l.In(s)
}
