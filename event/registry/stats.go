package registry

import "sync/atomic"

// Stats are the counts of a registry since New.
type Stats struct {
	LookUps      uint64 // requests to the registry
	Failures     uint64 // those without a useful answer
	Unregistered uint64 // those that were answered with "not known", which is no failure

	// Contradictions counts the IDs of the lock file or the cache that stood for another schema in
	// the registry, or for none while the schema has another ID there.
	Contradictions uint64

	// Locked, Cached and LookedUp count the schemas of codecs by where their ID comes from now, and
	// Waiting those whose ID is not known: their records wait.
	Locked, Cached, LookedUp, Waiting int
}

type counts struct {
	lookUps, failures, unregistered, contradictions atomic.Uint64
}

// Stats returns the counts. It does not wait, and may be called after Close.
func (r *Registry) Stats() Stats {
	s := Stats{
		LookUps:        r.counts.lookUps.Load(),
		Failures:       r.counts.failures.Load(),
		Unregistered:   r.counts.unregistered.Load(),
		Contradictions: r.counts.contradictions.Load(),
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.entries {
		switch e.state.Load().source {
		case Locked:
			s.Locked++
		case Cached:
			s.Cached++
		case LookedUp:
			s.LookedUp++
		default:
			s.Waiting++
		}
	}
	return s
}
