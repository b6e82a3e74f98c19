package cluster

import (
	"math/rand/v2"
	"time"
)

// retarget makes the brokers of the view the targets, and reports whether they changed.
//
// Seeds stay, for the day when every broker is another. Brokers that answer but are no longer named
// stay for a few answers, and the last of them for good: some proxies name only one broker in each
// answer.
func (s *supervisor) retarget(was map[int32]Broker) (moved bool) {
	moved = s.dropUnnamed(was)
	wait := time.Duration(0)
	now := time.Now()
	if moved {
		wait = s.moves.note(now, s.targets.dark())
	}
	atOnce := namedAtOnce
	for id, b := range s.view.Brokers {
		if s.targets[id] == nil {
			s.targets[id] = newTarget(b.Addr)
			s.targets[id].state = named
			s.targets[id].next = now.Add(wait)
			if atOnce--; atOnce < 0 {
				s.targets[id].next = now.Add(wait + rand.N(namedSpread))
			}
			moved = true
		}
	}
	return moved
}

// Of the brokers that an answer names for the first time, namedAtOnce are probed at once, and the
// others within namedSpread. They are used as soon as one has answered, so a fleet need not dial
// them all at the same moment.
const (
	namedAtOnce = 3
	namedSpread = time.Second
)

// dropUnnamed drops the brokers that the view does not name, or names at another address. Those
// that stay all the same it adds to the view.
func (s *supervisor) dropUnnamed(was map[int32]Broker) (dropped bool) {
	for id, t := range s.targets {
		b, ok := s.view.Brokers[id]
		switch {
		case id < 0:
		case ok && b.Addr == t.addr:
			t.missed = 0
		case !ok && t.state == good && (t.missed+1 < convincing || s.targets.answering() == 1):
			t.missed++
			s.view.Brokers[id] = Broker{Addr: t.addr, Rack: was[id].Rack}
		default:
			delete(s.targets, id)
			s.c.away.forget(id)
			dropped = true
		}
	}
	return dropped
}

// movedAge is how long a change of addresses counts as recent.
const movedAge = 10 * time.Second

// moves counts recent answers in which brokers went or changed their address. Where that goes on,
// new brokers are asked ever more slowly.
type moves struct {
	count int
	last  time.Time
}

// note counts an answer, and returns how long to wait before new brokers are asked. In the dark
// that is unsettledMax at most.
func (m *moves) note(now time.Time, dark bool) time.Duration {
	if m.count++; now.Sub(m.last) > movedAge {
		m.count = 1
	}
	m.last = now
	if m.count <= 2 {
		return 0
	}
	wait := min(hurryAge<<min(m.count, 10), metadataAge)
	if dark {
		wait = min(wait, unsettledMax)
	}
	return wait
}
