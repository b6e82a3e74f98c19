package producer

import (
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/routing"
)

// chooser has a lane use the best of its clusters.
type chooser struct {
	l       *lane
	paths   []path
	machine *routing.Failover
	health  []routing.Health // of each path
	// one slot; sent when a cluster has changed, received by run; never closed
	news    chan struct{}
	unwatch []func()
	quit    chan struct{} // closed by stop
	done    chan struct{} // closed by run when it ends
}

// choose has the clusters of l watched, if there are several, beginning with the path that is in
// use, -1 if that is not there any more. What the chooser knew that was stopped is known on, and
// what it has done counts.
func (l *lane) choose(use int) {
	before := l.chooser
	l.chooser = nil
	r := l.routes.Load()
	if len(r.paths) == 1 {
		return
	}
	now := l.p.clock.Mono()
	c := &chooser{
		l: l, paths: r.paths,
		machine: routing.NewFailover(l.thresholds(), len(r.paths), now),
		health:  make([]routing.Health, len(r.paths)),
		news:    make(chan struct{}, 1),
		quit:    make(chan struct{}),
		done:    make(chan struct{}),
	}
	if before != nil {
		c.machine = before.machine
	}
	c.machine.Set(l.thresholds(), len(r.paths), use)
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
func (c *chooser) healthOf(x *site, now time.Duration) routing.Health {
	if c != nil {
		if i := slices.IndexFunc(c.paths, func(o path) bool { return o.d.cluster == x }); i >= 0 {
			return c.health[i]
		}
	}
	return routing.Health{Ready: x.Status().State.Ready(), Since: now}
}

func (l *lane) thresholds() routing.Thresholds {
	pc := l.p.setup.Load().cfg.Priorities.of(l.priority)
	return routing.Thresholds{FallbackAfter: pc.FallbackAfter, ReturnAfter: pc.ReturnAfter,
		SwitchEvery: pc.SwitchEvery}
}

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
		now := c.l.p.clock.Mono()
		c.look(now)
		use, due, change := c.machine.Next(now, c.health)
		if change != routing.Stayed {
			c.change(use, change)
		}
		if due == routing.Never {
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
func (c *chooser) change(use int, why routing.Change) {
	before := c.l.routes.Load().use
	if use == before {
		return // it was chosen for want of another
	}
	left := c.paths[before].d.cluster
	c.l.update(func(r *routes) { r.use, r.since, r.switches = use, time.Now(), r.switches+1 })
	e := Event{Kind: EventReturned, Priority: c.l.priority, Cluster: c.paths[use].d.cluster.Name(),
		From: left.Name(), Reason: why.String()}
	if use > before {
		e.Kind = EventFellBack
	}
	if status := left.Status(); !status.State.Ready() {
		e.Reason = left.Name() + " is " + status.State.String() + ": " + status.Reason
	}
	c.l.p.log.Warn("priority goes to another cluster", zap.Stringer("priority", c.l.priority),
		zap.Stringer("why", why),
		zap.String("cluster", e.Cluster), zap.String("was", e.From), zap.String("reason", e.Reason))
	c.l.p.events.push(e)
}

// follow puts routes into force. The lock of l is held.
func (l *lane) follow(r *routes) {
	was := l.dispatchers()
	l.routes.Store(r)
	for _, d := range append(was, r.dispatchers()...) { // twice is as good as once
		d.outlet.Wake()
	}
}
