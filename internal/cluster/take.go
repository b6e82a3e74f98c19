package cluster

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// take notes what a target answered.
func (s *supervisor) take(a answer) {
	t := s.targets[a.node]
	if t == nil {
		s.turns.ended(a.topics)
		return // it left the cluster meanwhile
	}
	t.asked = false
	if a.err == nil {
		if a.err = s.c.origin.check(a.resp.ClusterID); a.err != nil {
			s.c.control.dials.hangUp(t.addr, true) // the next dial may lead elsewhere
		}
	}
	if a.err != nil {
		s.turns.ended(a.topics)
		s.fail(a.node, t, a.err)
		return
	}
	now := time.Now()
	news := t.state == bad
	t.state, t.next, t.proven = good, now.Add(probeSoon), true
	t.probes.reset()
	s.learned = now
	if a.round {
		s.round, s.refresh = now, now.Add(metadataAge)
	}
	was := s.view.Brokers
	s.view = s.view.merge(a.resp, s.c.topics())
	s.explainMissing()
	news = s.retarget(was) || news
	s.turns.answered(now, a.topics, a.resp, s.view, s.works())
	s.turns.judge(now, s.view, s.works(), news)
	s.publish(true)
}

// explainMissing says of the topics that are not there why they were not made.
func (s *supervisor) explainMissing() {
	missing := s.missing()
	s.creator.forget(missing)
	for _, name := range missing {
		t := s.view.Topics[name]
		t.Unmade = s.creator.failure(name)
		s.view.Topics[name] = t
	}
}

func (s *supervisor) fail(id int32, t *target, err error) {
	now := time.Now()
	if other, ok := errors.AsType[*another](err); ok {
		s.c.origin.doubt(other.is)
	}
	// the next dial looks the name up again (KIP-1102)
	if errors.Is(err, kerr.RebootstrapRequired) && now.Sub(t.left) >= leaveAge {
		s.c.control.dials.hangUp(t.addr, true)
		t.left = now
	}
	if t.state != bad {
		t.since = now
	}
	if t.state == named { // what it was said to lead is led by another
		s.soon = now.Add(unsettledAge)
	}
	t.state = bad
	gone := s.leave(id, t)
	s.turns.judge(now, s.view, s.works(), false)
	t.next = now.Add(t.probes.next(now.Sub(t.since), refused(err)))
	s.lastErr = fmt.Errorf("%s: %w", t.addr, reasoned(err))
	s.publish(gone)
}

// leave forgets a broker that does not answer, if the last answer did not name it either.
func (s *supervisor) leave(id int32, t *target) (gone bool) {
	if id < 0 || t.missed == 0 {
		return false
	}
	delete(s.targets, id)
	s.c.away.forget(id)
	s.view = &View{State: s.view.State, Brokers: maps.Clone(s.view.Brokers), Topics: s.view.Topics}
	delete(s.view.Brokers, id)
	return true
}

// works returns which brokers can be used: those that answered last time and, while there is one,
// those that were just named.
func (s *supervisor) works() func(node int32) bool {
	dark := s.dark()
	return func(node int32) bool {
		t := s.targets[node]
		return t != nil && (t.state == good || t.state == named && !dark)
	}
}

// retarget makes the brokers of the view those that are asked. Seeds stay, for the day when every
// broker is another. So do those that answer, and that the answers do not name any more, for a few
// answers, and the last of them: there are agents that each name one of them only.
//
// Where brokers change their addresses again and again they are asked ever more slowly.
//
// It reports whether there is news of the brokers.
func (s *supervisor) retarget(was map[int32]Broker) (moved bool) {
	for id, t := range s.targets {
		b, ok := s.view.Brokers[id]
		switch {
		case id < 0:
		case ok && b.Addr == t.addr:
			t.missed = 0
		case !ok && t.state == good && (t.missed+1 < convincing || s.answering() == 1):
			t.missed++
			s.view.Brokers[id] = Broker{Addr: t.addr, Rack: was[id].Rack}
		default:
			delete(s.targets, id)
			s.c.away.forget(id)
			moved = true
		}
	}
	now := time.Now()
	wait := time.Duration(0)
	if moved {
		if s.moves++; now.Sub(s.moved) > movedAge {
			s.moves = 1
		}
		s.moved = now
		if s.moves > 2 {
			wait = hurryAge << min(s.moves, 10)
			if s.dark() {
				wait = min(wait, unsettledMax)
			}
			wait = min(wait, metadataAge)
		}
	}
	for id, b := range s.view.Brokers {
		if s.targets[id] == nil {
			s.targets[id] = newTarget(b.Addr)
			s.targets[id].state = named
			s.targets[id].next = now.Add(wait)
			moved = true
		}
	}
	return moved
}
