package cluster

// publish makes the view public, and marks which of its brokers can be used. Watchers are called if
// news is set, or if that changed.
func (s *supervisor) publish(news bool) {
	was := s.view
	next := &View{Brokers: make(map[int32]Broker, len(was.Brokers)), Topics: was.Topics}
	works := s.targets.works()
	for id, b := range was.Brokers {
		usable := works(id)
		news = news || usable != b.Usable
		b.Usable, b.Away = usable, s.c.away.of(id)
		next.Brokers[id] = b
	}
	next.State = s.stateAfter(was)
	reason := ""
	if next.State != Up && s.lastErr != nil {
		reason = s.lastErr.Error()
	}
	s.view = next
	s.c.publish(next, reason, s.lastErr, news || next.State != was.State)
}

// stateAfter returns the state that follows from was by what the brokers answer.
func (s *supervisor) stateAfter(was *View) State {
	working, doubtful := 0, 0
	for id := range was.Brokers {
		switch t := s.targets[id]; {
		case t == nil || t.state == bad:
		case t.state == good:
			working++
		default:
			doubtful++
		}
	}
	state := stateOf(was.State, working, doubtful, len(was.Brokers))
	if state == Connecting && refused(s.lastErr) {
		return Down // a broker has answered
	}
	return state
}

// stateOf returns the state that follows from was. Of so many brokers, working ones answer, and of
// doubtful ones it is not known.
func stateOf(was State, working, doubtful, brokers int) State {
	switch {
	case working > 0 && working+doubtful == brokers && (was != Degraded || doubtful == 0):
		return Up
	case working > 0:
		return Degraded
	case doubtful > 0 || was == Connecting:
		return was // one failed connection is no outage: the probe in progress decides
	}
	return Down
}
