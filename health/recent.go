package health

import "time"

// recent remembers counts, to tell what has been added of late.
type recent struct {
	window time.Duration
	// the oldest first: the newest of those that are older than window, and younger ones
	marks []mark
}

type mark struct {
	at time.Time
	n  []uint64
}

// note remembers losses, whose order is always the same, and returns those of the last look that is
// older than the window, or of the first one, and when that was.
func (r *recent) note(now time.Time, losses []loss) (since time.Time, before []uint64) {
	n := make([]uint64, len(losses))
	for i := range losses {
		n[i] = losses[i].n
	}
	if len(r.marks) == 0 || now.Sub(r.marks[len(r.marks)-1].at) >= r.window/12 { // so there are few
		r.marks = append(r.marks, mark{now, n})
	}
	for len(r.marks) > 1 && now.Sub(r.marks[1].at) >= r.window {
		r.marks = r.marks[1:]
	}
	return r.marks[0].at, r.marks[0].n
}
