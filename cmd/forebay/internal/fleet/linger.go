package fleet

import "github.com/forebay-go/forebay/internal/dispatch"

// settled returns how long the batches of a lane linger in the end, in seconds. Within the range
// that the settings give, that is the time at which a request is filled well.
func (l *lane) settled(late float64) float64 {
	least, most := l.fleet.Settings.Linger.Seconds(), l.fleet.Settings.MaxLinger.Seconds()
	if most <= least || l.fill(least, late) >= 1 {
		return least
	}
	if l.fill(most, late) <= 1 {
		return most
	}
	for range 20 {
		if middle := (least + most) / 2; l.fill(middle, late) < 1 {
			least = middle
		} else {
			most = middle
		}
	}
	return most
}

// fill returns how well a request is filled after a linger: 1 if to wait longer would save little.
func (l *lane) fill(linger, late float64) float64 {
	l.linger = linger
	requests := l.requests(late).Total()
	bytes := 0.0
	for i := range l.flows {
		bytes += l.flows[i].rate * l.flows[i].size
	}
	return max(l.rate()/dispatch.WellRecords, bytes/dispatch.WellBytes) / requests
}
