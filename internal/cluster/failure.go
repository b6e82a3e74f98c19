package cluster

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// leaveAge is the least time between two closings of the connections to a broker that sends us
// away.
const leaveAge = time.Second

// suspectFailed stops the use of brokers on which a link failed, until they answer a probe.
func (s *supervisor) suspectFailed() {
	changed := false
	for _, f := range s.c.failures() {
		if t := s.targets[f.node]; t != nil && t.state <= named {
			s.suspect(f, t)
			changed = true
		}
	}
	if changed {
		s.turns.judge(time.Now(), s.view, s.targets.works(), false)
		s.publish(true)
	}
}

func (s *supervisor) suspect(f failure, t *target) {
	t.state, t.since, t.next = suspect, time.Now(), time.Now()
	s.lastErr = reasoned(f.err)
	if refused(f.err) {
		// a connection that the broker accepted before proves nothing
		s.c.control.dials.hangUp(t.addr, false)
	}
	s.leave(f.node, t)
}

// fail notes that t did not answer: it is probed in turn with others that do not.
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
		t.since, t.turn = now, mixed(now)
	}
	if t.state == named { // the partitions that it was said to lead have another leader
		s.rounds.early = now.Add(unsettledAge)
	}
	t.state, t.refused = bad, refused(err)
	gone := s.leave(id, t)
	s.turns.judge(now, s.view, s.targets.works(), false)
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
