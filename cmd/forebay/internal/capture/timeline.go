package capture

import "time"

// timeline puts the recorded times of records on the time of a replay, without gaps that are too
// long. Times are those after the first record.
type timeline struct {
	longest time.Duration // of a gap; 0: any
	eras    []era         // the newest last, without one that begins with the first record
	first   era
}

// era is records without a gap between them that is too long.
type era struct {
	from, last time.Duration // recorded
	base       time.Duration // where from is on the timeline
}

// at returns where a record is on the timeline, and how long a gap before it was left out. A record
// that is older than the gap goes where it was without it: one timestamp that is far ahead does not
// change when the records after it are due.
func (l *timeline) at(after time.Duration) (at, gap time.Duration) {
	for n := len(l.eras); n > 0 && after < l.eras[n-1].from; n-- {
		l.eras = l.eras[:n-1]
	}
	e := &l.first
	if n := len(l.eras); n > 0 {
		e = &l.eras[n-1]
	}
	if l.longest > 0 && after > e.last && after-e.last > l.longest {
		gap = after - e.last
		l.eras = append(l.eras, era{from: after, last: after, base: e.base + e.last - e.from})
		return l.eras[len(l.eras)-1].base, gap
	}
	e.last = max(e.last, after)
	return e.base + after - e.from, 0
}
