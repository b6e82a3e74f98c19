package dispatch

import (
	"slices"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/delivery"
)

// resolve ends a batch with the outcome in v. The batch must not be in flight, or it must be
// revoked.
func (c *core) resolve(ts *topicState, b *buffer.Batch, v Verdict) {
	if v.Outcome != delivery.Delivered && v.Err == nil {
		v.Err = c.whyOf(ts, v.Partition)
	}
	c.end(ts.t, b, v)
}

// end is resolve without the state of the topic. A batch that may have been written was neither
// shed, expired nor rejected for certain: it is possibly persisted.
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
	keep := c.engine.reports || b.Called()
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

// why returns why records of a topic wait, nil if nothing is known. partition is -1 if they have
// none. Any goroutine may call it.
func (c *core) why(topic string, partition int32) error {
	if err := c.cluster.away(); err != nil {
		return err
	}
	found := c.troubles.of(topic)
	best := slices.IndexFunc(found, func(s Shown) bool {
		return s.current && partition >= 0 && slices.Contains(s.parts, partition)
	})
	if best < 0 {
		best = slices.IndexFunc(found, func(s Shown) bool {
			return s.current && (s.visible || stated(s.Cause)) &&
				s.Cause != delivery.CauseSchemaUnknown // that is not what others wait for
		})
	}
	if best < 0 {
		found = c.troubles.of("")
		best = slices.IndexFunc(found, func(s Shown) bool {
			return s.current && s.Cause != delivery.CauseUnanswered
		})
	}
	if best < 0 {
		return nil
	}
	return &troubleError{found[best].Trouble, found[best].err}
}

// whyOf is why for batches that the dispatcher gives up. The last failure is better than
// nothing.
func (c *core) whyOf(ts *topicState, partition int32) error {
	if err := c.why(ts.t.Name(), partition); err != nil {
		return err
	}
	return ts.lastErr
}
