package simulate

// share divides what brokers take among instances that want more. A broker serves one request of
// each connection in turn, so it gives the same to all connections, and what one does not need goes
// to the others: each gets what it wants, up to a level. The level of each broker is found by
// iteration from below.
type share struct {
	room  []float64 // bytes that each broker takes, beside what is small
	level []float64 // bytes that each connection gets at most
	fixed bool      // no level changed in the last round
}

// begin sets the first levels. conns counts the connections that want something.
func (s *share) begin(conns []int) {
	for b, n := range conns {
		s.level[b] = s.room[b] / float64(max(1, n))
	}
	s.fixed = false
}

// follow raises the levels. below is what those want in sum that want less than the level, and
// above counts the others.
func (s *share) follow(below []float64, above []int) {
	s.fixed = true
	for b, n := range above {
		if n == 0 {
			continue
		}
		if level := (s.room[b] - below[b]) / float64(n); level > s.level[b]*(1+1e-6) {
			s.level[b], s.fixed = level, false
		}
	}
}
