package dispatch

import (
	"slices"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/delivery"
)

// resolve ends a batch with the outcome of v, which must not be in flight any more, or revoked.
func (c *core) resolve(ts *topicState, b *buffer.Batch, v Verdict) {
	if v.Outcome != delivery.Delivered && v.Err == nil {
		v.Err = c.whyOf(ts, v.Partition)
	}
	c.end(ts.t, b, v)
}

// end is resolve for a topic of which nothing else is known. Of what may have been written nobody
// can say that it was shed, expired or rejected: it is possibly persisted.
func (c *core) end(t *buffer.Topic, b *buffer.Batch, v Verdict) {
	if v.Outcome != delivery.Delivered && b.History.MaybeWritten {
		v.Outcome = delivery.PossiblyPersisted
		if v.Reason = delivery.Unanswered; c.lane.Buffer.Closed() && c.ctx.Err() != nil {
			v.Reason = delivery.UnansweredClose
		}
	}
	if v.Outcome != delivery.Delivered {
		c.engine.host.Lost()
	}
	keep := c.engine.reports
	t.Resolve(b, v.Outcome, v.Reason, keep)
	c.mu.Lock()
	c.books.Settle(uint64(b.Records()), v.Outcome, v.Reason)
	c.mu.Unlock()
	if !keep {
		return
	}
	v.Batch, v.Priority, v.Cluster = b, c.lane.Priority, c.cluster.Name()
	v.At = c.engine.clock.Mono()
	if v.Outcome != delivery.Delivered {
		v.Offset = -1
		if v.Err == nil {
			v.Err = c.why(t.Name(), v.Partition)
		}
	}
	c.engine.host.Report(v)
}

// why returns why a record of a topic has waited, nil if nothing is known; partition is -1 where it
// had none. Any goroutine may call it.
func (c *core) why(topic string, partition int32) error {
	if err := c.cluster.away(); err != nil {
		return err
	}
	found := c.troubles.of(topic)
	best := slices.IndexFunc(found, func(s Shown) bool {
		return s.current && partition >= 0 &&
			slices.Contains(s.parts, partition)
	})
	if best < 0 {
		best = slices.IndexFunc(found, func(s Shown) bool {
			return s.current &&
				(s.visible || stated(s.Cause))
		})
	}
	if best < 0 {
		found = c.troubles.of("")
		best = slices.IndexFunc(found, func(s Shown) bool {
			return s.current &&
				s.Cause != delivery.CauseUnanswered
		})
	}
	if best < 0 {
		return nil
	}
	return &troubleError{found[best].Trouble, found[best].err}
}

// whyOf is why for what the dispatcher itself gives up. The last failure is better than nothing.
func (c *core) whyOf(ts *topicState, partition int32) error {
	if err := c.why(ts.t.Name(), partition); err != nil {
		return err
	}
	return ts.lastErr
}
