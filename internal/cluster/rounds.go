package cluster

import "time"

const (
	metadataAge = 5 * time.Second       // how old the view may become while all is well
	hurryAge    = 20 * time.Millisecond // between an answer and the next request, at least
)

// rounds knows when a working broker is next asked for metadata. Every metadataAge a round begins:
// a request that also covers settled topics whose turn it is. It belongs to the supervisor.
type rounds struct {
	learned time.Time // when a target last answered
	last    time.Time // when the last request of a round was answered
	next    time.Time // when the next round begins
	early   time.Time // when to ask for the brokers before that; zero: not
}

// answered notes an answer, which may be that of a round.
func (r *rounds) answered(now time.Time, round bool) {
	r.learned = now
	if round {
		r.last, r.next = now, now.Add(metadataAge)
	}
}

// due returns when a working broker is to be asked.
func (r *rounds) due(turns turns) time.Time {
	early := turns.first(r.next)
	if !r.early.IsZero() {
		early = earlier(early, r.early)
	}
	return earlier(r.next, latest(early, r.learned.Add(hurryAge)))
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
