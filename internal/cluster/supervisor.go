package cluster

import (
	"context"
	"maps"
	"slices"
	"time"
)

// supervisor keeps the view of a cluster up to date. It belongs to one goroutine. Its requests run
// on goroutines of their own, which send it the answers.
type supervisor struct {
	c       *Cluster
	targets targets
	turn    int32       // the broker that was last asked for metadata in turn
	since   time.Time   // when its turn began
	answers chan answer // sent by ask, received by run; never closed
	creator *creator
	asking  int // requests in flight, each with an answer to come

	view      *View
	rounds    rounds
	turns     turns
	lastErr   error
	moves     moves
	strangers strangers

	often, rarely *walk // of the targets that do not answer
}

func newSupervisor(c *Cluster) *supervisor {
	s := &supervisor{c: c, targets: newTargets(c.cfg.Seeds), answers: make(chan answer),
		creator: newCreator(c), turns: make(turns), view: c.View()}
	s.often, s.rarely = newWalks(c.cfg.ProbeMax)
	return s
}

func (s *supervisor) run(ctx context.Context) {
	defer close(s.c.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			s.await()
			return
		case a := <-s.answers:
			s.asking--
			s.take(a)
		case done := <-s.creator.made:
			s.creator.take(done)
			s.turns.outdated(slices.Collect(maps.Keys(done)), time.Now())
		case <-s.c.hurry:
			s.hurry()
		case <-timer.C:
		}
		s.suspectFailed()
		timer.Reset(time.Until(s.creator.askDue(ctx, s.missing(), s.askDue(ctx))))
	}
}

// await returns when no request is in flight.
func (s *supervisor) await() {
	for ; s.asking > 0; s.asking-- {
		<-s.answers
	}
	if s.creator.asking {
		<-s.creator.made
	}
}

// hurry asks soon for the topics whose metadata is outdated, or else for the brokers alone.
func (s *supervisor) hurry() {
	old := s.c.outdated()
	if len(old) == 0 {
		s.rounds.early = time.Now()
	}
	s.turns.outdated(old, time.Now())
}
