package health

import "time"

// recent remembers counts, so that the report has their recent growth.
type recent struct {
	window time.Duration
	marks  []mark // the oldest first; only the first may be older than window
}

type mark struct {
	at time.Time
	n  []uint64
}

// note remembers losses, whose order is always the same. It returns the time and the counts of the
// latest mark that is at least a window old, or else of the first mark.
func (r *recent) note(now time.Time, losses []loss) (since time.Time, before []uint64) {
	n := make([]uint64, len(losses))
	for i := range losses {
		n[i] = losses[i].n
	}
	if len(r.marks) == 0 || now.Sub(r.marks[len(r.marks)-1].at) >= r.window/12 { // keeps them few
		r.marks = append(r.marks, mark{now, n})
	}
	for len(r.marks) > 1 && now.Sub(r.marks[1].at) >= r.window {
		r.marks = r.marks[1:]
	}
	return r.marks[0].at, r.marks[0].n
}
