package dispatch

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/routing"
)

// Lane is one priority of a producer: the records that wait, and the dispatchers that send them,
// one for each cluster that the priority may use.
type Lane struct {
	Priority routing.Priority
	Buffer   *buffer.Lane

	engine *Engine
	routes atomic.Pointer[routes]
	// nil if there is only one cluster; belongs to whoever builds or redirects the lane
	chooser *chooser

	// held while routes are replaced and topics handed over; guards what follows
	mu   sync.Mutex
	gone map[string]Done // by dispatchers that have ended, by the names of their clusters
}

// NewLane returns a lane with its ways, the primary first. Nothing runs before Start.
func (e *Engine) NewLane(priority routing.Priority, cfg buffer.Config, ways []Way) *Lane {
	l := &Lane{Priority: priority, engine: e, gone: make(map[string]Done)}
	l.Buffer = buffer.NewLane(l.complete(cfg), e.budget, e.pool)
	l.routes.Store(&routes{paths: l.NewPaths(ways), since: time.Now()})
	return l
}

// Configure has the buffer of the lane work by other settings from now on.
func (l *Lane) Configure(cfg buffer.Config) { l.Buffer.Configure(l.complete(cfg)) }

// complete returns cfg with what is decided here.
func (l *Lane) complete(cfg buffer.Config) buffer.Config {
	cfg.Outlet = l.outlet
	return cfg
}

// Start begins to dispatch, and to choose among the clusters of the lane.
func (l *Lane) Start() {
	for _, d := range l.dispatchers() {
		d.start()
	}
	l.choose(0)
}

// Cancel gives up what is in flight. Stop must follow.
func (l *Lane) Cancel() {
	for _, d := range l.dispatchers() {
		d.cancel()
	}
}

// Stop ends the dispatchers and gives up what is left. It returns how many records were on hold
// until then.
func (l *Lane) Stop() (onHold uint64) {
	l.StopChoosing()
	for _, d := range l.dispatchers() {
		d.halt()
	}
	return l.drain()
}

// drain gives up what waits, when nothing is dispatched any more.
func (l *Lane) drain() (onHold uint64) {
	d := l.routes.Load().paths[0].d
	topics, _ := l.Buffer.Topics()
	for _, t := range topics {
		for _, b := range t.TakeAll() {
			if b.Hold() != nil {
				onHold += uint64(b.Records())
			}
			d.end(t, b, overdue(b, delivery.Shed, delivery.Closed))
		}
	}
	return onHold
}

// settings returns those in force.
func (l *Lane) settings() *Settings { return l.engine.host.Settings(l.Priority) }
