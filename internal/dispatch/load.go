package dispatch

// Load is what could go to one broker now.
type Load struct {
	ID    int32
	Ready int // partitions with something that is ready for them

	// Waited is how long its partitions have waited for their turn, all topics together, each with
	// that of its partitions that waited longest, counted in batches that went to others.
	// Partitions count that could take something, ready or not.
	Waited uint64
}

// Pick returns the load that is sent next: that which has waited longest. So one request serves
// many topics, and each partition has its turn, whichever brokers lead how many of them. Among
// equals it is the one with the lowest ID. Loads with nothing ready do not count; nil means that
// all are.
func Pick(loads []*Load) *Load {
	var best *Load
	for _, l := range loads {
		if l.Ready > 0 && (best == nil || l.before(best)) {
			best = l
		}
	}
	return best
}

func (l *Load) before(other *Load) bool {
	if l.Waited != other.Waited {
		return l.Waited > other.Waited
	}
	return l.ID < other.ID
}
