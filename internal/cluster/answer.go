package cluster

import (
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// take notes the answer of a target, or its failure to answer.
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
	s.learn(a, t)
}

// learn makes a good answer of t part of the view.
func (s *supervisor) learn(a answer, t *target) {
	now := time.Now()
	news := t.state == bad
	if news && s.targets.dark() { // one that was suspect for a moment shows nothing of others
		s.light(t, now)
	}
	t.state, t.proven = good, true
	s.rounds.answered(now, a.round)
	was := s.view.Brokers
	s.view = s.view.merge(a.resp, s.c.topics())
	s.explainMissing()
	news = s.retarget(was) || news
	s.turns.answered(now, a.topics, a.resp, s.view, s.targets.works())
	s.turns.judge(now, s.view, s.targets.works(), news)
	s.publish(true)
}

// missing returns the topics that do not exist, by the word of a broker, if they are to be created.
func (s *supervisor) missing() (names []string) {
	if s.creator.want == nil {
		return nil
	}
	for name, t := range s.view.Topics {
		if errors.Is(t.Err, kerr.UnknownTopicOrPartition) {
			names = append(names, name)
		}
	}
	return names
}

// explainMissing notes in the view why missing topics could not be created.
func (s *supervisor) explainMissing() {
	missing := s.missing()
	s.creator.forget(missing)
	for _, name := range missing {
		t := s.view.Topics[name]
		t.Unmade = s.creator.failure(name)
		s.view.Topics[name] = t
	}
}
