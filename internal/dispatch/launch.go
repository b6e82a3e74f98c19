package dispatch

// launch sends a shipment on a goroutine of its own. The goroutine ends with the answer, or when
// its time is over.
func (se *sender) launch(s *shipment) {
	s.plain = s.broker.plain
	if s.patience = s.broker.patience; s.aside {
		s.broker.aside, s.solo = true, true
	} else {
		s.solo = s.broker.flying == 0
		s.broker.flying++
		s.broker.launches++
		s.number = s.broker.launches
	}
	for _, it := range s.items {
		se.tick++
		it.stream.used = se.tick
		se.overtake(it)
	}
	se.inFlight += int64(s.bytes)
	se.overhead.Store(max(se.overhead.Load(), se.inFlight))
	se.wg.Go(func() {
		s.travel()
		se.mu.Lock()
		se.landed = append(se.landed, s)
		se.mu.Unlock()
		se.outlet.Wake()
	})
}
