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

// probeDue probes the targets that do not answer and whose time has come. It returns when the next
// probe is due, at the latest after metadataAge.
func (s *supervisor) probeDue(ctx context.Context, now time.Time) time.Time {
	next := now.Add(metadataAge)
	dark := s.targets.dark()
	for id, t := range s.targets {
		switch {
		case id < 0 || t.asked || t.state == good || t.state == bad:
		case t.next.After(now):
			next = earlier(next, t.next)
		case !t.proven && !s.strangers.admit(now):
			next = earlier(next, s.strangers.more())
		default:
			s.probe(ctx, id, t, now, dark)
		}
	}
	next = earlier(next, s.walkOn(ctx, s.often, now, dark))
	return earlier(next, s.walkOn(ctx, s.rarely, now, dark))
}

// probe asks t for the brokers, and in the dark for topics, too.
func (s *supervisor) probe(ctx context.Context, id int32, t *target, now time.Time, dark bool) {
	var topics []string
	if dark {
		topics = s.turns.due(now, 0)
	}
	s.ask(ctx, id, t, topics, false)
}

// walkOn probes the target of w whose turn it is, when its time has come. It returns when the next
// one is due, at the latest after metadataAge.
func (s *supervisor) walkOn(ctx context.Context, w *walk, now time.Time, dark bool) time.Time {
	id, t, n := s.turnIn(w, now, dark)
	if t == nil {
		w.rest()
		return now.Add(metadataAge)
	}
	if w.ready(now, n) {
		t.turn = now
		s.probe(ctx, id, t, now, dark)
	}
	return w.due(now)
}

// turnIn returns the target of w that was not probed for the longest time, nil if all are being
// probed, and how many targets it has.
func (s *supervisor) turnIn(w *walk, now time.Time, dark bool) (id int32, t *target, n int) {
	for other, o := range s.targets {
		if !s.walked(other, o, dark) || s.walkOf(o, now) != w {
			continue
		}
		n++
		if !o.asked && (t == nil || o.turn.Before(t.turn)) {
			id, t = other, o
		}
	}
	return id, t, n
}

// walked reports whether t is probed in turn with others.
func (s *supervisor) walked(id int32, t *target, dark bool) bool {
	if id < 0 {
		return dark && s.targets.needsSeed(t)
	}
	return t.state == bad && !(dark && s.targets.seedInstead(t, s.c.cfg.Seeds))
}

// walkOf returns the walk of t, which does not answer. A broker that answers but refuses us is in
// no restart, and probed rarely.
func (s *supervisor) walkOf(t *target, now time.Time) *walk {
	if t.state != good && (t.refused || now.Sub(t.since) >= shortRange) {
		return s.rarely
	}
	return s.often
}

// light notes that t answers, the first one after all were away. The others are then likely to be
// back, too: to them it is as if the outage had just begun.
func (s *supervisor) light(t *target, now time.Time) {
	away := 0
	for _, other := range s.targets {
		if other.state != bad || other == t {
			continue
		}
		away++
		other.since, other.refused = now, false
		if other.addr == t.addr { // t is a seed, and it is the same broker
			other.turn = time.Time{}
		}
	}
	s.often.hurry(now, away)
	s.rarely.long.Reset()
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

// strangersAtOnce is how many brokers that were just named are probed every probeSoon. A cluster
// may have thousands of them, or claim to.
const strangersAtOnce = 20

// strangers limits the first probes of brokers.
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
