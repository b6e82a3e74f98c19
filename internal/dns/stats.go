package dns

// Stats counts what a dialer has done for names.
type Stats struct {
	Known    int    // names of which there is an answer, or a look-up under way
	Lookups  uint64 // begun
	Failures uint64 // of them, those that failed, or took more than six seconds
	Stale    uint64 // dials that used an older answer, because a look-up failed or was slow
}

func (n *names) stats() Stats {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.counted
	s.Known = len(n.byHost)
	return s
}
