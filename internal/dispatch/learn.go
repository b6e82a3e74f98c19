package dispatch

import (
	"context"
	"errors"
	"slices"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/internal/cluster"
)

// learnSize learns from a request how large a request may be. Requests on one connection end
// together; the largest of them counts.
func (an *answers) learnSize(s *shipment) {
	b := s.broker
	z := &b.sizes
	switch {
	case s.err == nil:
		sure := z.sure()
		z.answered(s.wrote, an.pass.now)
		if z.sure() && !sure && !z.said {
			z.said = true
			an.log.Warn("broker hangs up on large requests: they are kept smaller",
				zap.Int32("broker", b.ID), zap.Int("bytes", z.died))
		}
	case s.way == cluster.Common: // it is small
		if hungUp(s.err) && s.anyUnresolved() {
			b.ownUntil = an.pass.now + ownFor // if it is too large all the same, this shows there
		}
	case errors.Is(s.err, context.DeadlineExceeded):
		b.ended = b.launches // what dies with it, dies of that
		z.narrowed(an.pass.BatchBytes)
	case !hungUp(s.err) || an.ctx.Err() != nil:
	case len(s.items) == 0:
		z.untested = false
		z.forget() // small requests are not answered either
	case s.anyUnresolved():
		too := s.way != cluster.Aside && s.number <= b.ended
		if !too || z.group > 0 {
			z.ended(s.wrote, too)
		}
		if !too && s.way != cluster.Aside {
			b.ended = b.launches
		}
		z.untested = z.untested || s.lone() && s.wrote >= leastLethal
	}
}

// anyUnresolved reports whether some batch was written and not answered.
func (s *shipment) anyUnresolved() bool {
	return slices.ContainsFunc(s.items,
		func(it *item) bool { return it.attempt.Fate == cluster.Unresolved })
}

// lone reports whether s was a single batch, and the only request on its connection.
func (s *shipment) lone() bool {
	return len(s.items) == 1 && s.solo &&
		(s.way == cluster.Aside || s.number == s.broker.launches)
}
