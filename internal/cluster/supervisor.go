package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	askTimeout  = 2 * time.Second // for an answer to a metadata request
	metadataAge = 5 * time.Second // how old the view may become while all is well
	// how soon it is asked for again while a partition has no leader that works or a topic is not
	// there
	unsettledAge = 100 * time.Millisecond
	unsettledMax = time.Second           // and how rarely, when that goes on
	hurryAge     = 20 * time.Millisecond // how soon after the last answer at the earliest
	leaveAge     = time.Second           // how soon whoever sends us away is hung up on again
	movedAge     = 10 * time.Second      // how long a change of addresses counts as one of late
	// brokers that have never answered are asked so many at a time, every probeSoon: there may be
	// thousands, or said to be
	probesAtOnce = 20
)

// supervisor keeps the view of a cluster. It belongs to one goroutine; what it asks runs on others,
// which send answers.
type supervisor struct {
	c       *Cluster
	targets map[int32]*target // by node ID; seeds have the negative ones that kgo gives them
	turn    int32             // the target that was asked last for metadata
	answers chan answer       // sent by ask, received by run; never closed
	creator *creator
	asking  int // how many answers will come

	view    *View
	learned time.Time // when a question was last answered
	// when the last question of a round was answered, in which topics have their turns
	round     time.Time
	refresh   time.Time // when the next round begins
	soon      time.Time // when to ask for the brokers before that; zero: not
	turns     turns
	lastErr   error
	moves     int       // answers of late in which brokers went, or changed their address
	moved     time.Time // when that was last
	strangers int       // asked since probing
	probing   time.Time // when counting strangers began
}

// target is a broker or a seed that can be asked.
type target struct {
	addr   string
	state  targetState
	since  time.Time // when it last stopped answering
	next   time.Time // when it is probed again
	probes *prober
	asked  bool // an answer is awaited
	proven bool // it has answered before
	missed int  // answers in a row that did not name it

	left time.Time // when it was last hung up on, for it has sent us away
}

type targetState uint8

const (
	good targetState = iota // answered last time
	// nobody has asked it yet, and a broker has named it: it is used until it fails, if some broker
	// answers
	named
	suspect // a link failed on it, or a seed that nobody has asked yet
	bad     // did not answer
)

type answer struct {
	node   int32
	topics []string // that were asked for
	round  bool
	resp   *kmsg.MetadataResponse
	err    error
}

func newSupervisor(c *Cluster) *supervisor {
	s := &supervisor{c: c, targets: make(map[int32]*target), answers: make(chan answer),
		creator: newCreator(c), turns: make(turns), view: c.View()}
	for i, addr := range c.cfg.Seeds {
		s.targets[seedID(i)] = newTarget(addr)
	}
	return s
}

func newTarget(addr string) *target {
	return &target{addr: addr, state: suspect, since: time.Now(), probes: newProber()}
}

// seedID numbers the seeds as keys of targets, below all node IDs.
func seedID(i int) int32 { return int32(-1000 - i) }

func (s *supervisor) run(ctx context.Context) {
	defer close(s.c.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			for ; s.asking > 0; s.asking-- {
				<-s.answers
			}
			if s.creator.asking {
				<-s.creator.made
			}
			return
		case a := <-s.answers:
			s.asking--
			s.take(a)
		case done := <-s.creator.made:
			s.creator.take(done)
			s.turns.outdated(slices.Collect(maps.Keys(done)), time.Now())
		case <-s.c.hurry:
			old := s.c.outdated()
			if len(old) == 0 {
				s.soon = time.Now()
			}
			s.turns.outdated(old, time.Now())
		case <-timer.C:
		}
		s.suspectFailed()
		timer.Reset(time.Until(s.creator.askDue(ctx, s.missing(), s.askDue(ctx))))
	}
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

// suspectFailed stops the use of the brokers that links failed on, until they answer a probe.
func (s *supervisor) suspectFailed() {
	changed := false
	for _, f := range s.c.failures() {
		if t := s.targets[f.node]; t != nil && t.state <= named {
			t.state, t.since, t.next = suspect, time.Now(), time.Now()
			t.probes.reset()
			s.lastErr, changed = reasoned(f.err), true
			if refused(f.err) {
				s.c.control.dials.hangUp(t.addr, false) // who was let in before proves nothing
			}
			s.leave(f.node, t)
		}
	}
	if changed {
		s.turns.judge(time.Now(), s.view, s.works(), false)
		s.publish(true)
	}
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

// publish makes the view known, with what is usable of it. Unless news is set, the watchers are
// told only if that changed.
func (s *supervisor) publish(news bool) {
	was := s.view
	next := &View{Brokers: make(map[int32]Broker, len(was.Brokers)), Topics: was.Topics}
	works := s.works()
	working, doubtful := 0, 0
	for id, b := range was.Brokers {
		t, usable := s.targets[id], works(id)
		news = news || usable != b.Usable
		b.Usable, b.Away = usable, s.c.away.of(id)
		next.Brokers[id] = b
		switch {
		case t != nil && t.state == good:
			working++
		case t != nil && t.state != bad:
			doubtful++
		}
	}
	next.State = stateOf(was.State, working, doubtful, len(next.Brokers))
	if next.State == Connecting && refused(s.lastErr) {
		next.State = Down // somebody has answered
	}
	reason := ""
	if next.State != Up && s.lastErr != nil {
		reason = s.lastErr.Error()
	}
	s.view = next
	s.c.publish(next, reason, s.lastErr, news || next.State != was.State)
}

// stateOf returns the state of a cluster after was, by how many of its brokers work and of how many
// that is not known.
func stateOf(was State, working, doubtful, brokers int) State {
	switch {
	case working > 0 && working+doubtful == brokers && (was != Degraded || doubtful == 0):
		return Up
	case working > 0:
		return Degraded
	case doubtful > 0 || was == Connecting:
		return was // one failed connection is not an outage: the probe that is under way will tell
	}
	return Down
}
