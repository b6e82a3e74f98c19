package dispatch

// handover hands topics over to another dispatcher of the lane.
type handover struct {
	*core
	routes *routes // that the topics were compared with last; nil: they are to be compared
	left   bool    // idle is closed
	// closed when the dispatcher is not used any more and has nothing left to do
	idle chan struct{}
}

// reroute hands over the topics that go elsewhere now. It looks at them once for each change of
// the routes.
func (ho *handover) reroute() {
	routes := ho.lane.routes.Load()
	if ho.routes == routes {
		return
	}
	ho.routes = routes
	done := true
	for name, ts := range ho.topics {
		to := routes.of(name)
		if !ts.owned || to.core == ho.core {
			if ts.leaving { // it was about to, and nothing of it was looked at
				ts.leaving = false
				ho.activate(ts)
			}
			continue
		}
		ts.leaving = true // nothing more is taken of it
		ho.activate(ts)   // what it has written may have to be looked after
		done = ho.release(ts, to, routes) && done
	}
	if !done {
		ho.routes = nil // it is looked again when something comes home, or the alarm goes off
	}
}

// release hands a topic over to another dispatcher: the waiting batches, and those in flight
// that were not written. Written and unanswered batches stay until they are answered, expire, or
// may move. release returns false if it has to be tried again, as when the routes have changed
// meanwhile.
func (ho *handover) release(ts *topicState, to *dispatcher, by *routes) bool {
	if ho.mustWait(ts) {
		return false
	}
	ho.lane.mu.Lock()
	defer ho.lane.mu.Unlock()
	if ho.lane.routes.Load() != by {
		ho.pass.by(ho.pass.now)
		return false
	}
	for _, st := range ts.all {
		if it := st.flying; it != nil && !it.gone && !it.attempt.Revoke() {
			it.gone = true
			ho.again(it)
		}
	}
	ts.t.Requeue(ts.stale...)
	ts.stale, ts.dealing, ts.owned, ts.leaving = nil, false, false, false
	ts.undealt, ts.cramped = false, false // whoever gets it deals them out
	ts.lift()
	ts.survey()
	ts.t.Assign(to.outlet)
	return true
}

// mustWait reports whether some batch of ts must come home first: one that is being compressed,
// which is soon over, or one that is in flight to a broker that answers. What that broker
// refuses can then go along in order, and what it takes stands before newer records if both
// dispatchers write to the same cluster.
func (ho *handover) mustWait(ts *topicState) (wait bool) {
	for _, st := range ts.all {
		switch {
		case st.flying == nil || st.flying.gone:
		case !st.flying.ship.handed.Load():
			ho.pass.by(ho.pass.now)
			wait = true
		case st.flying.ship.broker.usable:
			wait = true
		}
	}
	return wait
}

// leave closes idle once the dispatcher is not used any more and has nothing left to do.
func (ho *handover) leave() {
	if ho.left || len(ho.active) > 0 || ho.lane.routes.Load().has(ho.core) {
		return
	}
	for _, ts := range ho.topics {
		if ts.owned {
			return
		}
	}
	ho.left = true
	close(ho.idle)
}
