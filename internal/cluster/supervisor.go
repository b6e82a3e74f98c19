package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	askTimeout   = 2 * time.Second        // for an answer to a metadata request
	metadataAge  = 5 * time.Second        // how old the view may become while all is well
	unsettledAge = 100 * time.Millisecond // how soon it is asked for again while a partition has no leader that works or a topic is not there
	unsettledMax = time.Second            // and how rarely, when that goes on
	hurryAge     = 20 * time.Millisecond  // how soon after the last answer at the earliest
)

// supervisor keeps the view of a cluster. It belongs to one goroutine; what it asks runs on others, which send answers.
type supervisor struct {
	c       *Cluster
	targets map[int32]*target // by node ID; seeds have the negative ones that kgo gives them
	turn    int32             // the target that was asked last for metadata
	answers chan answer       // sent by ask, received by run; never closed
	asking  int               // how many answers will come

	view      *View
	learned   time.Time // when the view was last answered
	refresh   time.Time // when to ask again
	unsettled int       // answers in a row that were not settled
	wanted    int       // topics asked for last time
	lastErr   error
}

// target is a broker or a seed that can be asked.
type target struct {
	broker *kgo.Broker
	addr   string
	state  targetState
	since  time.Time // when it last stopped answering
	next   time.Time // when it is probed again
	probes *prober
	asked  bool // an answer is awaited
}

type targetState uint8

const (
	good    targetState = iota // answered last time
	suspect                    // a link failed on it, or nobody has asked it yet
	bad                        // did not answer
)

type answer struct {
	node int32
	resp *kmsg.MetadataResponse
	err  error
}

func newSupervisor(c *Cluster) *supervisor {
	s := &supervisor{c: c, targets: make(map[int32]*target), answers: make(chan answer), view: c.View()}
	for i, b := range c.control.SeedBrokers() {
		s.targets[seedID(i)] = newTarget(b, c.cfg.Seeds[i])
	}
	return s
}

func newTarget(broker *kgo.Broker, addr string) *target {
	return &target{broker: broker, addr: addr, state: suspect, since: time.Now(), probes: newProber()}
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
			return
		case a := <-s.answers:
			s.asking--
			s.take(a)
		case <-s.c.hurry:
			s.refresh = earlier(s.refresh, s.learned.Add(hurryAge))
		case <-timer.C:
		}
		s.suspectFailed()
		timer.Reset(time.Until(s.askDue(ctx)))
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// suspectFailed stops the use of the brokers that links failed on, until they answer a probe.
func (s *supervisor) suspectFailed() {
	changed := false
	for _, f := range s.c.failures() {
		if t := s.targets[f.node]; t != nil && t.state == good {
			t.state, t.since, t.next = suspect, time.Now(), time.Now()
			t.probes.reset()
			s.lastErr, changed = f.err, true
		}
	}
	if changed {
		s.publish(true)
	}
}

// askDue asks everybody whose time has come and returns when the next one's comes.
func (s *supervisor) askDue(ctx context.Context) time.Time {
	now := time.Now()
	next := now.Add(metadataAge)
	var healthy *target
	var healthyID int32
	for id, t := range s.targets {
		switch {
		case t.asked || id < 0 && !s.needsSeed(t):
		case t.state == good && id >= 0:
			if healthy == nil || id > s.turn && healthyID <= s.turn || (id > s.turn) == (healthyID > s.turn) && id < healthyID {
				healthy, healthyID = t, id
			}
		case !t.next.After(now):
			s.ask(ctx, id, t)
		default:
			next = earlier(next, t.next)
		}
	}
	if healthy == nil || s.refreshing() {
		return next
	}
	if s.refresh.After(now) {
		return earlier(next, s.refresh)
	}
	s.turn = healthyID
	s.ask(ctx, healthyID, healthy)
	return next
}

// needsSeed reports whether seed t is to be asked: while no broker answers, and not beside a broker of the same address,
// which would be two attempts where one is enough.
func (s *supervisor) needsSeed(seed *target) bool {
	for id, t := range s.targets {
		if id >= 0 && (t.state == good || t.addr == seed.addr) {
			return false
		}
	}
	return true
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
func (s *supervisor) ask(ctx context.Context, id int32, t *target) {
	t.asked = true
	s.asking++
	topics, known := s.c.topics(), s.view.Brokers
	s.wanted = len(topics)
	go func() {
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		resp, err := t.broker.Request(ctx, metadataRequest(topics))
		a := answer{node: id, err: err}
		if err == nil {
			a.resp = resp.(*kmsg.MetadataResponse)
			a.err = s.checked(ctx, a.resp, known)
		}
		s.answers <- a
	}()
}

func metadataRequest(topics map[string]int) *kmsg.MetadataRequest {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = make([]kmsg.MetadataRequestTopic, 0, len(topics)) // empty, not nil: nil asks for all topics
	for name := range topics {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = kmsg.StringPtr(name)
		req.Topics = append(req.Topics, t)
	}
	return req
}

// checked makes sure that the answer is of use. An answer to a request for one broker does not reach kgo's own table, in
// which brokers are found: if it names others than those that were known, kgo asks too.
func (s *supervisor) checked(ctx context.Context, resp *kmsg.MetadataResponse, known map[int32]Broker) error {
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return err
	}
	if len(resp.Brokers) == 0 {
		return errors.New("the broker knows no brokers, not even itself: it is starting")
	}
	if sameLayout(known, brokersOf(resp)) {
		return nil
	}
	return updateBrokers(ctx, s.c.control)
}

// take notes what a target answered.
func (s *supervisor) take(a answer) {
	t := s.targets[a.node]
	if t == nil {
		return // it left the cluster meanwhile
	}
	t.asked = false
	if a.err != nil {
		s.fail(t, a.err)
		return
	}
	now := time.Now()
	t.state, t.next = good, now.Add(probeSoon)
	t.probes.reset()
	s.learned = now
	topics := s.c.topics()
	s.view = s.view.merge(a.resp, topics)
	s.retarget()
	s.schedule(now, topics)
	s.publish(true)
}

func (s *supervisor) fail(t *target, err error) {
	now := time.Now()
	if t.state == good {
		t.since = now
	}
	t.state = bad
	t.next = now.Add(t.probes.next(now.Sub(t.since)))
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		err = op.Err // the rest of it says the address again
	}
	s.lastErr = fmt.Errorf("%s: %w", t.addr, err)
	s.publish(false)
}

// works reports whether node is a broker that answered last time.
func (s *supervisor) works(node int32) bool {
	t := s.targets[node]
	return t != nil && t.state == good
}

// schedule decides when metadata is asked for again.
func (s *supervisor) schedule(now time.Time, topics map[string]int) {
	if s.view.settled(topics, s.works) {
		s.unsettled = 0
		s.refresh = now.Add(metadataAge)
		return
	}
	s.unsettled++
	s.refresh = now.Add(min(unsettledAge*time.Duration(s.unsettled), unsettledMax))
	if len(topics) != s.wanted {
		s.refresh = now.Add(hurryAge)
	}
}

// retarget makes the brokers of the view those that are asked. Seeds stay, for the day when every broker is another.
func (s *supervisor) retarget() {
	for id, t := range s.targets {
		if b, ok := s.view.Brokers[id]; id >= 0 && (!ok || b.Addr != t.addr) {
			delete(s.targets, id)
		}
	}
	for id, b := range s.view.Brokers {
		if s.targets[id] == nil {
			s.targets[id] = newTarget(s.c.control.Broker(int(id)), b.Addr)
		}
	}
}

// publish makes the view known, with what is usable of it. Unless news is set, the watchers are told only if that changed.
func (s *supervisor) publish(news bool) {
	was := s.view
	next := &View{Brokers: make(map[int32]Broker, len(was.Brokers)), Topics: was.Topics, layout: was.layout}
	working, doubtful := 0, 0
	for id, b := range was.Brokers {
		t, usable := s.targets[id], s.works(id)
		news = news || usable != b.Usable
		b.Usable = usable
		next.Brokers[id] = b
		switch {
		case usable:
			working++
		case t != nil && t.state == suspect:
			doubtful++
		}
	}
	next.State = stateOf(was.State, working, doubtful, len(next.Brokers))
	reason := ""
	if next.State != Up && s.lastErr != nil {
		reason = s.lastErr.Error()
	}
	s.view = next
	s.c.publish(next, reason, news || next.State != was.State)
}

// stateOf returns the state of a cluster after was, by how many of its brokers work and of how many that is not known.
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
