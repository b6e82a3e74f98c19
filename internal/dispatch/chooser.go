package dispatch

import (
	"slices"
	"time"

	"go.uber.org/zap"
)

// chooser has a lane use the best of its clusters.
type chooser struct {
	l       *Lane
	paths   Paths
	machine *Failover
	health  []Health // of each path
	// one slot; sent when a cluster has changed, received by run; never closed
	news    chan struct{}
	unwatch []func()
	quit    chan struct{} // closed by stop
	done    chan struct{} // closed by run when it ends
}

// choose has the clusters of l watched, if there are several, beginning with the path that is in
// use, -1 if that is not there any more. What the chooser knew that was stopped is known on, and
// what it has done counts.
func (l *Lane) choose(use int) {
	before := l.chooser
	l.chooser = nil
	r := l.routes.Load()
	if len(r.paths) == 1 {
		return
	}
	now := l.engine.clock.Mono()
	c := &chooser{
		l: l, paths: r.paths,
		machine: NewFailover(l.settings().Thresholds, len(r.paths), now),
		health:  make([]Health, len(r.paths)),
		news:    make(chan struct{}, 1),
		quit:    make(chan struct{}),
		done:    make(chan struct{}),
	}
	if before != nil {
		c.machine = before.machine
	}
	c.machine.Set(l.settings().Thresholds, len(r.paths), use)
	for i, x := range c.paths {
		c.health[i] = before.healthOf(x.d.cluster, now)
		c.unwatch = append(c.unwatch, x.d.cluster.Watch(func() {
			select {
			case c.news <- struct{}{}:
			default:
			}
		}))
	}
	l.chooser = c
	go c.run()
}

// healthOf returns what is known of a cluster now.
func (c *chooser) healthOf(x *Site, now time.Duration) Health {
	if c != nil {
		if i := slices.IndexFunc(c.paths, func(o path) bool { return o.d.cluster == x }); i >= 0 {
			return c.health[i]
		}
	}
	return Health{Ready: x.Status().State.Ready(), Since: now}
}

// StopChoosing has the lane keep to the cluster that it uses, until Redirect.
func (l *Lane) StopChoosing() { l.chooser.stop() }

// stop ends it. Without anything to choose c is nil.
func (c *chooser) stop() {
	if c == nil {
		return
	}
	for _, unwatch := range c.unwatch {
		unwatch()
	}
	close(c.quit)
	<-c.done
}

func (c *chooser) run() {
	defer close(c.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-c.quit:
			return
		case <-c.news:
		case <-timer.C:
		}
		now := c.l.engine.clock.Mono()
		c.look(now)
		use, due, change := c.machine.Next(now, c.health)
		if change != Stayed {
			c.change(use, change)
		}
		if due == Never {
			due = now + time.Hour
		}
		timer.Reset(min(due-now, time.Hour))
	}
}

// look brings the health of the clusters up to date.
func (c *chooser) look(now time.Duration) {
	for i, x := range c.paths {
		h := &c.health[i]
		if ready := x.d.cluster.Status().State.Ready(); ready != h.Ready {
			h.Ready, h.Since = ready, now
		}
		h.Acked = time.Duration(x.d.acked.Load())
	}
}

// change has the lane use another of its clusters.
func (c *chooser) change(use int, why Change) {
	before := c.l.routes.Load().use
	if use == before {
		return // it was chosen for want of another
	}
	left := c.paths[before].d.cluster
	c.l.update(func(r *routes) { r.use, r.since, r.switches = use, time.Now(), r.switches+1 })
	e := Event{Kind: ReturnedTo, Priority: c.l.Priority, Cluster: c.paths[use].d.cluster.Name(),
		From: left.Name(), Reason: why.String()}
	if use > before {
		e.Kind = FellBackTo
	}
	if status := left.Status(); !status.State.Ready() {
		e.Reason = left.Name() + " is " + status.State.String() + ": " + status.Reason
	}
	c.l.engine.log.Warn("priority goes to another cluster", zap.Stringer("priority", c.l.Priority),
		zap.Stringer("why", why),
		zap.String("cluster", e.Cluster), zap.String("was", e.From), zap.String("reason", e.Reason))
	c.l.engine.host.Event(e)
}
