package dispatch

import (
	"slices"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/buffer"
)

// succeeded reports whether the dispatcher has a successor, which writes to the same cluster by
// newer settings, or may have done so. What it has written before and delivers now may stand behind
// what is newer.
func (c *core) succeeded() bool {
	r := c.lane.routes.Load()
	return c.behind.Load() || !r.has(c) && slices.ContainsFunc(r.dispatchers(),
		func(o *dispatcher) bool {
			return o.core != c && o.cluster.Name() == c.cluster.Name()
		})
}

// overtake tells other lanes that have the topic of a batch whose order matters that it goes before
// what waits there. They are not waited for: a topic often gets a higher priority because the lower
// one does not get on.
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

// overtaken reports whether records of a delivered batch may stand behind newer ones of their keys:
// those went by newer settings of the cluster, or with another priority.
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
