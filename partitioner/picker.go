package partitioner

// Load is what could go to one broker now.
type Load struct {
	ID     int32
	Topics int    // with something ready for it
	Used   uint64 // when it was used last; grows with every use
}

// Pick returns the load that is sent next: that of most topics, so that one request carries as many as it can; among
// equals that of the broker used longest ago, and among those the lowest ID. Loads without topics do not count; nil means
// that all are.
func Pick(loads []*Load) *Load {
	var best *Load
	for _, l := range loads {
		if l.Topics > 0 && (best == nil || l.before(best)) {
			best = l
		}
	}
	return best
}

func (l *Load) before(other *Load) bool {
	switch {
	case l.Topics != other.Topics:
		return l.Topics > other.Topics
	case l.Used != other.Used:
		return l.Used < other.Used
	}
	return l.ID < other.ID
}
