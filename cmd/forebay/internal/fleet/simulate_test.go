package fleet

import (
	"math/rand/v2"
)

// simulation plays the rules of the engine for one instance and priority with Poisson arrivals, as
// a referee for the formulas: when an open batch has lingered, a request goes to the broker whose
// partitions have waited longest, and takes every open batch along that the broker can take. A
// batch that missed the last such request waits for the next one, a linger at most.
type simulation struct {
	linger float64
	topics []*simTopic
	random *rand.Rand

	now, opened float64
	tick        int
	requests    int
	records     int
}

// simTopic is a topic without keys, or one partition of a topic with keys.
type simTopic struct {
	rate  float64
	most  int
	leads []int // the brokers that it has partitions on
	keyed bool
	used  map[int]int // when each broker was last used

	open  int
	since float64
}

// play runs for so many seconds, after one that does not count.
func (s *simulation) play(seconds float64) {
	sum := 0.0
	for _, t := range s.topics {
		sum += t.rate
		t.used = make(map[int]int)
	}
	next, end := s.random.ExpFloat64()/sum, 1+seconds
	for counted := false; s.now < end; {
		if !counted && s.now > 1 {
			s.requests, s.records, counted = 0, 0, true
		}
		due, ripe := s.nextDue()
		if ripe != nil && due <= next {
			s.now = due
			s.send(ripe)
			continue
		}
		s.now = next
		s.arrive(s.draw(sum))
		next = s.now + s.random.ExpFloat64()/sum
	}
}

// draw returns the topic of the next record.
func (s *simulation) draw(sum float64) *simTopic {
	at := s.random.Float64() * sum
	for _, t := range s.topics {
		if at -= t.rate; at < 0 {
			return t
		}
	}
	return s.topics[len(s.topics)-1]
}

func (s *simulation) arrive(t *simTopic) {
	s.records++
	if t.open >= t.most { // the record does not fit: what is full goes by itself
		s.requests++
		t.open = 0
	}
	if t.open == 0 {
		t.since = s.now
	}
	t.open++
}

func (s *simulation) nextDue() (at float64, ripe *simTopic) {
	for _, t := range s.topics {
		if t.open == 0 {
			continue
		}
		due := t.since + s.linger
		if !t.keyed {
			due += min(max(0, s.opened-t.since), s.linger)
		}
		if ripe == nil || due < at {
			at, ripe = due, t
		}
	}
	return at, ripe
}

// send makes a request because of t.
func (s *simulation) send(t *simTopic) {
	best, most := t.leads[0], -1
	for _, b := range t.leads {
		if waited := s.waited(b); waited > most {
			best, most = b, waited
		}
	}
	s.tick++
	s.opened = s.now
	s.requests++
	for _, t := range s.topics {
		if t.open > 0 && t.on(best) {
			t.open = 0
			t.used[best] = s.tick
		}
	}
}

func (s *simulation) waited(b int) (sum int) {
	for _, t := range s.topics {
		if t.open > 0 && t.on(b) {
			sum += s.tick - t.used[b] + 1
		}
	}
	return sum
}

func (t *simTopic) on(b int) bool {
	for _, lead := range t.leads {
		if lead == b {
			return true
		}
	}
	return false
}
