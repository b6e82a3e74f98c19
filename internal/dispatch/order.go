package dispatch

import (
	"slices"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/buffer"
)

// succeeded reports whether another dispatcher of the lane writes to the same cluster by newer
// settings, or has done so. Batches that this one delivers now may stand behind newer ones.
func (c *core) succeeded() bool {
	r := c.lane.routes.Load()
	return c.behind.Load() || !r.has(c) && slices.ContainsFunc(r.dispatchers(),
		func(o *dispatcher) bool {
			return o.core != c && o.cluster.Name() == c.cluster.Name()
		})
}

// overtake tells other lanes with the same topic that a batch whose order matters goes before
// what waits there. It does not wait for them: a topic often gets a higher priority because the
// lower one is stuck.
func (c *core) overtake(it *item) {
	if it.batch.Kind() == buffer.Unkeyed {
		return
	}
	for l := range c.engine.host.Lanes {
		if l == c.lane {
			continue
		}
		if t := l.Buffer.Find(it.ts.t.Name()); t != nil {
			t.Overtake(c.cluster.Name(), it.batch.Last())
		}
	}
}

// overtaken reports whether records of a delivered batch may stand behind newer ones of their
// keys, which went by newer settings or with another priority.
func (c *core) overtaken(it *item) bool {
	switch {
	case it.batch.Kind() == buffer.Unkeyed:
		return false
	case !it.ts.owned && c.succeeded():
		return true
	case !it.ts.t.Overtaken(c.cluster.Name(), it.batch):
		return false
	}
	if !it.ts.crossed {
		it.ts.crossed = true
		c.log.Warn("a topic has records with keys in several priorities; their order is not kept",
			zap.String("topic", it.ts.t.Name()))
	}
	return true
}
