package dispatch

import (
	"slices"
)

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
