package dispatch

import (
	"slices"
	"time"
)

// Leaver is a dispatcher that its lane does not use any more.
type Leaver struct {
	l *Lane
	d *dispatcher
}

// Redirect has l use other paths from now on. It begins with the cluster that l uses, if that is
// still one of them. It returns the dispatchers that are not used any more; Leaver.Wait says when
// each has nothing left to do. Calls, and those of Start and Stop, come one after the other.
func (l *Lane) Redirect(paths Paths) (left []Leaver) {
	was := l.routes.Load()
	from := was.inUse().Name()
	use := slices.IndexFunc(paths, func(x path) bool { return x.d.cluster.Name() == from })
	next := &routes{paths: paths, use: max(use, 0), since: was.since,
		leaving: slices.Clone(was.leaving)}
	for _, x := range was.paths {
		if !next.has(x.d.core) {
			left = append(left, Leaver{l, x.d})
			next.leaving = append(next.leaving, x.d)
		}
	}
	if use < 0 {
		next.since = time.Now()
		l.engine.host.Event(Event{Kind: ReturnedTo, Priority: l.Priority,
			Cluster: paths[0].d.cluster.Name(), From: from, Reason: "settings changed"})
	}
	l.update(func(r *routes) { *r = *next })
	for _, x := range paths {
		if !was.has(x.d.core) {
			x.d.start() // only now: one that is not in the routes and has nothing to do leaves
		}
	}
	l.choose(use)
	return left
}

// Site returns the cluster that x has written to.
func (x Leaver) Site() *Site { return x.d.cluster }

// Wait waits until everything that x has written has an outcome, and ends x. It returns false if
// Lane.Stop has ended it.
func (x Leaver) Wait() bool {
	select {
	case <-x.d.handover.idle:
	case <-x.d.done:
		return false
	}
	x.d.halt()
	return true
}

// Forget has the lane do without x, which has ended, and keep what it has counted.
func (x Leaver) Forget() {
	x.l.keep(x.d)
	topics, _ := x.l.Buffer.Topics()
	for _, t := range topics {
		// a topic that was made when the routes had just been replaced may have x's outlet
		t.Reassign(x.d.outlet, x.l.outlet(t.Name()))
	}
}

// keep forgets d, which has ended, and remembers what it has counted.
func (l *Lane) keep(d *dispatcher) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range l.routes.Load().leaving { // in the order in which they were left
		if o == d {
			break
		}
		if o.cluster.Name() == d.cluster.Name() {
			o.behind.Store(true)
		}
	}
	l.updateLocked(func(r *routes) {
		r.leaving = slices.DeleteFunc(slices.Clone(r.leaving),
			func(o *dispatcher) bool { return o == d })
	})
	sum := l.gone[d.cluster.Name()]
	sum.add(d.work())
	l.gone[d.cluster.Name()] = sum
}
