package cluster

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// missing returns the topics that a broker says are not there.
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

// askDue asks everybody whose time has come and returns when the next one's comes.
func (s *supervisor) askDue(ctx context.Context) time.Time {
	now := time.Now()
	next := now.Add(metadataAge)
	var healthy *target
	var healthyID int32
	dark := s.dark()
	s.turns.follow(s.c.topics(), now)
	for id, t := range s.targets {
		switch {
		case t.asked || id < 0 && !(dark && s.needsSeed(t)) || id >= 0 && dark && t.state == bad &&
			s.seedFirst(t):
		case t.state == good && id >= 0:
			// who is not named any more may know less
			known, before := t.missed == 0, healthy != nil && healthy.missed == 0
			if known != before {
				if known || healthy == nil {
					healthy, healthyID = t, id
				}
				continue
			}
			if healthy == nil || id > s.turn && healthyID <= s.turn ||
				(id > s.turn) == (healthyID > s.turn) && id < healthyID {
				healthy, healthyID = t, id
			}
		case !t.next.After(now) && id >= 0 && !t.proven && !s.another(now):
			next = earlier(next, s.probing.Add(probeSoon))
		case !t.next.After(now) && dark:
			s.ask(ctx, id, t, s.turns.due(now, 0), false)
		case !t.next.After(now):
			s.ask(ctx, id, t, nil, false)
		default:
			next = earlier(next, t.next)
		}
	}
	if healthy == nil || s.refreshing() {
		return next
	}
	if due := s.due(); due.After(now) {
		return earlier(next, due)
	}
	s.turn, s.soon = healthyID, time.Time{}
	if s.refresh.After(now) {
		s.ask(ctx, healthyID, healthy, s.turns.due(now, 0), false)
	} else {
		s.ask(ctx, healthyID, healthy, s.turns.due(now, max(now.Sub(s.round), metadataAge)), true)
	}
	return next
}

// due returns when a broker that answers is to be asked.
func (s *supervisor) due() time.Time {
	early := s.turns.first(s.refresh)
	if !s.soon.IsZero() {
		early = earlier(early, s.soon)
	}
	return earlier(s.refresh, latest(early, s.learned.Add(hurryAge)))
}

// another reports whether one more broker that has never answered may be asked now.
func (s *supervisor) another(now time.Time) bool {
	if now.Sub(s.probing) >= probeSoon {
		s.probing, s.strangers = now, 0
	}
	s.strangers++
	return s.strangers <= probesAtOnce
}

// dark reports whether no broker answers, so that seeds are asked.
func (s *supervisor) dark() bool { return s.answering() == 0 }

// answering counts the brokers that answer.
func (s *supervisor) answering() (n int) {
	for id, t := range s.targets {
		if id >= 0 && t.state == good {
			n++
		}
	}
	return n
}

// needsSeed reports whether a seed is to be asked in the dark: not beside a broker of the same
// address that is asked soon, which would be two attempts where one is enough.
func (s *supervisor) needsSeed(seed *target) bool {
	for id, t := range s.targets {
		if id >= 0 && t.state != bad && t.addr == seed.addr {
			return false
		}
	}
	return true
}

// seedFirst reports whether a seed is asked in the place of t, which does not answer: it is at the
// same address, and what that broker is called may have been a mistake.
func (s *supervisor) seedFirst(t *target) bool {
	for i, addr := range s.c.cfg.Seeds {
		if addr == t.addr && s.targets[seedID(i)].state != good {
			return true
		}
	}
	return false
}

// refreshing reports whether a healthy broker is being asked.
func (s *supervisor) refreshing() bool {
	for _, t := range s.targets {
		if t.asked && t.state == good {
			return true
		}
	}
	return false
}

// ask requests metadata of t on a goroutine that ends with the answer, or with ctx.
func (s *supervisor) ask(ctx context.Context, id int32, t *target, topics []string, round bool) {
	t.asked = true
	s.asking++
	go func() {
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		resp, err := s.request(ctx, id, t, topics)
		s.answers <- answer{node: id, topics: topics, round: round, resp: resp, err: err}
	}()
}

func metadataRequest(topics []string) *kmsg.MetadataRequest {
	req := kmsg.NewPtrMetadataRequest()
	// empty, not nil: nil asks for all topics
	req.Topics = make([]kmsg.MetadataRequestTopic, 0, len(topics))
	for _, name := range topics {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = kmsg.StringPtr(name)
		req.Topics = append(req.Topics, t)
	}
	return req
}

// request asks t, on the goroutine of ask, and makes sure that the answer is of use.
func (s *supervisor) request(ctx context.Context, id int32, t *target,
	topics []string) (*kmsg.MetadataResponse, error) {
	resp, err := s.c.control.ask(ctx, id, t.addr, metadataRequest(topics))
	if err != nil {
		return nil, err
	}
	m := resp.(*kmsg.MetadataResponse)
	if err := kerr.ErrorForCode(m.ErrorCode); err != nil {
		return nil, err
	}
	if len(m.Brokers) == 0 {
		return nil, errors.New("the broker knows no brokers, not even itself: it is starting")
	}
	return m, nil
}
