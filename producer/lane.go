package producer

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/routing"
)

// lane is one priority of a producer: what waits, and the dispatchers that send it, one for each
// cluster that it may use.
type lane struct {
	p        *Producer
	priority routing.Priority
	buf      *buffer.Lane
	routes   atomic.Pointer[routes]
	// nil where there is nothing to choose; belongs to who builds the lane or reconfigures it
	chooser *chooser

	// held while routes are replaced and topics handed over; guards what follows
	mu   sync.Mutex
	gone map[string]work // of dispatchers that have ended, by their clusters
}

// routes say where the topics of a lane go. They are replaced as a whole.
type routes struct {
	paths    []path // the primary first
	use      int    // of paths
	since    time.Time
	switches uint64        // how often another was chosen
	leaving  []*dispatcher // not used any more, until what they have written has an outcome
}

// path is one way of a lane.
type path struct {
	d     *dispatcher
	there routing.Fallback // the topics that go there, and their names
}

// newLane returns a lane with its way to each of its clusters. Nothing runs yet.
func (p *Producer) newLane(s *setup, priority routing.Priority) (*lane, error) {
	l := &lane{p: p, priority: priority, gone: make(map[string]work)}
	l.buf = buffer.NewLane(l.bufferConfig(&s.cfg), p.budget, p.pool)
	paths, err := l.newPaths(s, nil)
	if err != nil {
		return nil, err
	}
	l.routes.Store(&routes{paths: paths, since: time.Now()})
	return l, nil
}

func (l *lane) bufferConfig(cfg *Config) buffer.Config {
	return buffer.Config{
		Linger:          cfg.Batching.Linger,
		DeliveryTimeout: cfg.Priorities.of(l.priority).DeliveryTimeout,
		BatchBytes:      cfg.Batching.MaxBytes,
		MaxTopics:       cfg.Buffer.MaxTopics,
		Reports:         l.p.options.delivery != nil,
		Outlet:          l.outlet,
		Class:           classOf(l.priority),
		ForKey:          l.p.forKey(),
		CatchUp:         l.p.clock.CatchUp,
		MaxShare:        l.maxShare,
	}
}

// maxShare returns what a new topic may hold by its rule.
func (l *lane) maxShare(topic string) float64 { return l.p.setup.Load().rules.MaxShare(topic) }

// newPaths returns the ways that the settings name. Those of old that are the same are taken over.
func (l *lane) newPaths(s *setup, old []path) (paths []path, err error) {
	pc := s.cfg.Priorities.of(l.priority)
	for _, there := range append([]routing.Fallback{{Cluster: pc.Cluster}}, pc.Fallbacks...) {
		c := s.clusters[there.Cluster]
		x := path{there: there}
		i := slices.IndexFunc(old, func(o path) bool {
			return o.d.cluster == c &&
				o.there.SameNames(there)
		})
		if i >= 0 {
			x.d = old[i].d
		} else if x.d, err = newDispatcher(l, c, there); err != nil {
			return nil, err
		}
		paths = append(paths, x)
	}
	return paths, nil
}

func (l *lane) start() {
	for _, d := range l.dispatchers() {
		d.start()
	}
	l.choose(0)
}

// of returns the dispatcher of a topic: that of the path in use if the topic may go there, else the
// primary's.
func (r *routes) of(topic string) *dispatcher {
	if x := r.paths[r.use]; r.use > 0 && x.there.Takes(topic) {
		return x.d
	}
	return r.paths[0].d
}

func (l *lane) outlet(topic string) *buffer.Outlet { return l.routes.Load().of(topic).outlet }

// dispatchers are all that the lane has.
func (l *lane) dispatchers() []*dispatcher { return l.routes.Load().dispatchers() }

func (r *routes) dispatchers() (all []*dispatcher) {
	for _, x := range r.paths {
		all = append(all, x.d)
	}
	return append(all, r.leaving...)
}

// update changes the routes, one call after the other.
func (l *lane) update(fn func(*routes)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.updateLocked(fn)
}

func (l *lane) updateLocked(fn func(*routes)) {
	next := *l.routes.Load()
	fn(&next)
	l.follow(&next)
}

// keep forgets d, which has ended, and remembers what it has counted.
func (l *lane) keep(d *dispatcher) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range l.routes.Load().leaving { // in the order in which they were left
		if o == d {
			break
		}
		if o.cluster.Name() == d.cluster.Name() {
			o.behind.Store(true)
		}
	}
	l.updateLocked(func(r *routes) {
		r.leaving = slices.DeleteFunc(slices.Clone(r.leaving),
			func(o *dispatcher) bool { return o == d })
	})
	sum := l.gone[d.cluster.Name()]
	sum.add(d.work())
	l.gone[d.cluster.Name()] = sum
}

// stop ends the dispatchers and gives up what is left.
func (l *lane) stop() {
	l.chooser.stop()
	for _, d := range l.dispatchers() {
		d.halt()
	}
	l.drain()
}

// drain gives up what waits, when nothing is dispatched any more.
func (l *lane) drain() {
	d := l.routes.Load().paths[0].d
	topics, _ := l.buf.Topics()
	for _, t := range topics {
		for _, b := range t.TakeAll() {
			d.end(t, b, verdict{outcome: Shed, reason: ReasonClosed, partition: b.Partition()})
		}
	}
}

// reroute lets go of the topics that go elsewhere by now. It looks at them once for each change of
// the routes.
func (d *dispatcher) reroute(alarm *alarm) {
	routes := d.lane.routes.Load()
	if d.routes == routes {
		return
	}
	d.routes = routes
	done := true
	for name, ts := range d.topics {
		to := routes.of(name)
		if !ts.owned || to == d {
			if ts.leaving { // it was about to, and nothing of it was looked at
				ts.leaving = false
				d.activate(ts)
			}
			continue
		}
		ts.leaving = true // nothing more is taken of it
		d.activate(ts)    // what it has written may have to be looked after
		done = d.release(ts, to, routes, alarm) && done
	}
	if !done {
		d.routes = nil // it is looked again when something comes home, or the alarm goes off
	}
}

// release hands a topic over to another dispatcher: what waits, and what is in flight and was not
// written. What was, and is not answered, stays until it is, expires, or may move. It reports
// whether it could: the other may have ended meanwhile, when the routes have changed again.
func (d *dispatcher) release(ts *topicState, to *dispatcher, by *routes, alarm *alarm) bool {
	if d.mustWait(ts, alarm) {
		return false
	}
	d.lane.mu.Lock()
	defer d.lane.mu.Unlock()
	if d.lane.routes.Load() != by {
		alarm.by(alarm.now)
		return false
	}
	for _, p := range ts.all {
		if it := p.flying; it != nil && !it.gone && !it.attempt.Revoke() {
			it.gone = true
			d.again(it)
		}
	}
	ts.t.Requeue(ts.stale...)
	ts.stale, ts.dealing, ts.owned, ts.leaving = nil, false, false, false
	ts.undealt, ts.cramped = false, false // whoever gets it deals them out
	d.lift(ts)
	ts.survey()
	ts.t.Assign(to.outlet)
	return true
}

// mustWait reports whether something of ts is on its way that has to come home first: what is being
// compressed, which is soon over, and everything that goes to a broker that answers. What such a
// broker refuses can go with the rest then, in its order, and what it takes stands before what is
// newer, where the other dispatcher writes to the same cluster by new settings.
func (d *dispatcher) mustWait(ts *topicState, alarm *alarm) (wait bool) {
	for _, p := range ts.all {
		switch {
		case p.flying == nil || p.flying.gone:
		case !p.flying.ship.handed.Load():
			alarm.by(alarm.now)
			wait = true
		case p.flying.ship.broker.usable:
			wait = true
		}
	}
	return wait
}

// succeeded reports whether d has a successor, which writes to the same cluster by newer settings,
// or may have done so. What d has written before and delivers now may stand behind what is newer.
func (d *dispatcher) succeeded() bool {
	r := d.lane.routes.Load()
	return d.behind.Load() || !r.has(d) && slices.ContainsFunc(r.dispatchers(),
		func(o *dispatcher) bool {
			return o != d && o.cluster.Name() == d.cluster.Name()
		})
}

// configure takes over the settings that are in force.
func (d *dispatcher) configure() {
	d.cfg = &d.p.setup.Load().cfg
	d.limits = *d.cfg.Priorities.of(d.lane.priority)
	d.chooses = d.p.chooses(d.cfg)
}

// event returns what tells where a lane goes.
func (r *routes) event(priority routing.Priority) Event {
	e := Event{Kind: EventReturned, Priority: priority, Cluster: r.paths[r.use].d.cluster.Name(),
		At: r.since}
	if r.use > 0 {
		e.Kind = EventFellBack
		e.From = r.paths[0].d.cluster.Name()
		if err := r.paths[0].d.cluster.away(); err != nil {
			e.Reason = err.Error()
		}
	}
	return e
}
