package cluster

import (
	"context"
	"maps"
	"slices"
	"time"

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
