package dispatch

import (
	"iter"
	"slices"
	"time"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/routing"
)

// Way is a cluster that a lane may use, and what its topics are called there.
type Way struct {
	Site  *Site
	There routing.Fallback
}

// Paths are ways with their dispatchers, the primary first.
type Paths []path

// path is one way of a lane.
type path struct {
	d     *dispatcher
	there routing.Fallback // the topics that go there, and their names
}

// routes say where the topics of a lane go. They are replaced as a whole.
type routes struct {
	paths    Paths
	use      int // of paths
	since    time.Time
	switches uint64        // how often another was chosen
	leaving  []*dispatcher // not used any more, until what they have written has an outcome
}

// NewPaths returns paths for ways. A way that the lane has already keeps its dispatcher.
func (l *Lane) NewPaths(ways []Way) (paths Paths) {
	var old Paths
	if r := l.routes.Load(); r != nil {
		old = r.paths
	}
	for _, w := range ways {
		x := path{there: w.There}
		i := slices.IndexFunc(old, func(o path) bool {
			return o.d.cluster == w.Site && o.there.SameNames(w.There)
		})
		if i >= 0 {
			x.d = old[i].d
		} else {
			x.d = newDispatcher(l, w.Site, w.There)
		}
		paths = append(paths, x)
	}
	return paths
}

// of returns the dispatcher of a topic: that of the path in use if the topic may go there, else the
// primary's.
func (r *routes) of(topic string) *dispatcher {
	if x := r.paths[r.use]; r.use > 0 && x.there.Takes(topic) {
		return x.d
	}
	return r.paths[0].d
}

// inUse returns the cluster that the lane uses.
func (r *routes) inUse() *Site { return r.paths[r.use].d.cluster }

// has reports whether c is that of one of the ways that r offers.
func (r *routes) has(c *core) bool {
	return slices.ContainsFunc(r.paths, func(x path) bool { return x.d.core == c })
}

// dispatchers are those of all ways, and those that are leaving.
func (r *routes) dispatchers() (all []*dispatcher) {
	for _, x := range r.paths {
		all = append(all, x.d)
	}
	return append(all, r.leaving...)
}

// event returns the event that says where a lane goes.
func (r *routes) event(priority routing.Priority) Event {
	e := Event{Kind: ReturnedTo, Priority: priority, Cluster: r.inUse().Name(), At: r.since}
	if r.use > 0 {
		e.Kind = FellBackTo
		e.From = r.paths[0].d.cluster.Name()
		if err := r.paths[0].d.cluster.away(); err != nil {
			e.Reason = err.Error()
		}
	}
	return e
}

// Where returns the event that says where the lane goes.
func (l *Lane) Where() Event { return l.routes.Load().event(l.Priority) }

// Cluster returns the name of the cluster that the lane uses.
func (l *Lane) Cluster() string { return l.routes.Load().inUse().Name() }

// Sites yields the clusters of the lane, and those that something was written to and not answered.
func (l *Lane) Sites() iter.Seq[*Site] {
	return func(yield func(*Site) bool) {
		for _, d := range l.dispatchers() {
			if !yield(d.cluster) {
				return
			}
		}
	}
}

func (l *Lane) outlet(topic string) *buffer.Outlet { return l.routes.Load().of(topic).outlet }

// dispatchers are all that the lane has.
func (l *Lane) dispatchers() []*dispatcher { return l.routes.Load().dispatchers() }

// update changes the routes, one call after the other.
func (l *Lane) update(fn func(*routes)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.updateLocked(fn)
}

// updateLocked puts changed routes into force, and has all dispatchers look at them.
func (l *Lane) updateLocked(fn func(*routes)) {
	was := l.dispatchers()
	next := *l.routes.Load()
	fn(&next)
	l.routes.Store(&next)
	for _, d := range append(was, next.dispatchers()...) { // twice is as good as once
		d.outlet.Wake()
	}
}
