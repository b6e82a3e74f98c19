package cluster

import (
	"context"
	"time"
)

// askDue asks every target whose time has come, and returns when the next is due.
func (s *supervisor) askDue(ctx context.Context) time.Time {
	now := time.Now()
	s.turns.follow(s.c.topics(), now)
	return earlier(s.probeDue(ctx, now), s.refreshDue(ctx, now))
}

// probeDue probes the targets that do not answer and whose time has come. In the dark it asks them
// for topics, too. It returns when the next probe is due, at the latest after metadataAge.
func (s *supervisor) probeDue(ctx context.Context, now time.Time) time.Time {
	next := now.Add(metadataAge)
	dark := s.targets.dark()
	for id, t := range s.targets {
		switch {
		case !s.probed(id, t, dark):
		case t.next.After(now):
			next = earlier(next, t.next)
		case id >= 0 && !t.proven && !s.strangers.admit(now):
			next = earlier(next, s.strangers.more())
		case dark:
			s.ask(ctx, id, t, s.turns.due(now, 0), false)
		default:
			s.ask(ctx, id, t, nil, false)
		}
	}
	return next
}

// probed reports whether t is a target to probe, now or later.
func (s *supervisor) probed(id int32, t *target, dark bool) bool {
	switch {
	case t.asked:
		return false
	case id < 0:
		return dark && s.targets.needsSeed(t)
	case t.state == good:
		return false
	}
	return !(dark && t.state == bad && s.targets.seedInstead(t, s.c.cfg.Seeds))
}

// refreshDue asks the working broker whose turn it is for metadata, when the time has come. It
// returns when that is, at the latest after metadataAge.
func (s *supervisor) refreshDue(ctx context.Context, now time.Time) time.Time {
	wait := now.Add(metadataAge)
	id, t := s.whoseTurn(now)
	if t == nil || s.targets.refreshing() {
		return wait
	}
	if due := s.rounds.due(s.turns); due.After(now) {
		return due
	}
	if s.rounds.early = (time.Time{}); s.turn != id {
		s.turn, s.since = id, now
	}
	if s.rounds.next.After(now) {
		s.ask(ctx, id, t, s.turns.due(now, 0), false)
	} else {
		lasted := max(now.Sub(s.rounds.last), metadataAge)
		s.ask(ctx, id, t, s.turns.due(now, lasted), true)
	}
	return wait
}

// stay is how long one broker is asked for metadata before it is another's turn. Each turn opens a
// connection.
const stay = time.Minute

// whoseTurn returns the broker to ask for metadata, nil if none works. While all is well, that is
// the same for some time, once its distance is known. If the metadata of a topic is out of date or
// incomplete, another broker may know more.
func (s *supervisor) whoseTurn(now time.Time) (id int32, t *target) {
	t = s.targets[s.turn]
	if t != nil && t.state == good && !t.asked && t.missed == 0 && now.Sub(s.since) < stay &&
		s.c.away.known(s.turn) && !s.turns.troubled() {
		return s.turn, t
	}
	return s.targets.nextInTurn(s.turn)
}

// strangersAtOnce is how many brokers that have never answered are probed every probeSoon. A
// cluster may have thousands of them, or claim to.
const strangersAtOnce = 20

// strangers limits the probes of brokers that have never answered.
type strangers struct {
	since time.Time // when counting began
	asked int       // since then
}

// admit reports whether one more of them may be probed now.
func (s *strangers) admit(now time.Time) bool {
	if now.Sub(s.since) >= probeSoon {
		s.since, s.asked = now, 0
	}
	s.asked++
	return s.asked <= strangersAtOnce
}

// more returns when more of them may be probed.
func (s *strangers) more() time.Time { return s.since.Add(probeSoon) }
