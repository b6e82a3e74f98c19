package cluster

// publish makes the view known, with what is usable of it. Unless news is set, the watchers are
// told only if that changed.
func (s *supervisor) publish(news bool) {
	was := s.view
	next := &View{Brokers: make(map[int32]Broker, len(was.Brokers)), Topics: was.Topics}
	works := s.works()
	working, doubtful := 0, 0
	for id, b := range was.Brokers {
		t, usable := s.targets[id], works(id)
		news = news || usable != b.Usable
		b.Usable, b.Away = usable, s.c.away.of(id)
		next.Brokers[id] = b
		switch {
		case t != nil && t.state == good:
			working++
		case t != nil && t.state != bad:
			doubtful++
		}
	}
	next.State = stateOf(was.State, working, doubtful, len(next.Brokers))
	if next.State == Connecting && refused(s.lastErr) {
		next.State = Down // somebody has answered
	}
	reason := ""
	if next.State != Up && s.lastErr != nil {
		reason = s.lastErr.Error()
	}
	s.view = next
	s.c.publish(next, reason, s.lastErr, news || next.State != was.State)
}

// stateOf returns the state of a cluster after was, by how many of its brokers work and of how many
// that is not known.
func stateOf(was State, working, doubtful, brokers int) State {
	switch {
	case working > 0 && working+doubtful == brokers && (was != Degraded || doubtful == 0):
		return Up
	case working > 0:
		return Degraded
	case doubtful > 0 || was == Connecting:
		return was // one failed connection is not an outage: the probe that is under way will tell
	}
	return Down
}
