package producer

import (
	"fmt"
	"iter"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/internal/cluster"
	"github.com/forebay-go/forebay/internal/dispatch"
	"github.com/forebay-go/forebay/routing"
)

// Event is a change that an application may want to watch; see WithEvents and Producer.Current.
type Event struct {
	At   time.Time
	Kind EventKind

	// Cluster is the cluster that has changed, or the one that a priority uses from now on.
	Cluster string
	// State is the new state of EventCluster. It is zero ("none") for other kinds.
	State ClusterState

	// Priority is the priority that switches or sheds, or that of the topic. It is Unset for
	// EventCluster and EventReconfigured.
	Priority routing.Priority
	// From is the cluster that the priority used before, for EventFellBack and EventReturned.
	From string

	// Topic is set for EventRepartitioned, EventTrouble and EventTroubleOver.
	Topic string
	// Reason says why, in words, where that is known.
	Reason string
}

// EventKind says what has changed.
type EventKind uint8

// The kinds of events.
const (
	// EventCluster reports a new state of a cluster, another kind of reason for its being down, or
	// that it was not reached within five seconds.
	EventCluster EventKind = iota
	// EventFellBack reports that a priority uses a cluster that is later in its order. Records that
	// were dispatched earlier may be read later.
	EventFellBack
	// EventReturned reports that a priority uses a cluster that is earlier in its order.
	EventReturned
	// EventShedding reports that a priority begins to lose or refuse records for lack of room.
	EventShedding
	// EventSheddingOver reports that a priority has lost none for ten seconds.
	EventSheddingOver
	// EventReconfigured reports that Reconfigure has changed the settings.
	EventReconfigured
	// EventRepartitioned reports that a topic with keyed records has another number of partitions:
	// keys may be in other partitions from now on.
	EventRepartitioned
	// EventTrouble reports that records wait although their cluster answers; see Trouble. Without
	// topic and cluster it is a sum of several troubles.
	EventTrouble
	// EventTroubleOver reports that records do not wait for that any more.
	EventTroubleOver
)

// String returns the kind in words.
func (k EventKind) String() string {
	names := [...]string{"cluster", "fell back", "returned", "shedding", "shedding over",
		"reconfigured", "repartitioned", "trouble", "trouble over"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("event(%d)", uint8(k))
}

// MarshalText writes the words of String, for JSON and logs.
func (k EventKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

const (
	// that may wait for a callback; the oldest make room for newer ones, which say more
	eventsMax  = 256
	historyMax = 128 // that Producer.History remembers
)

// events remembers what has changed, and hands it to the application's callback on a goroutine of
// its own.
type events struct {
	fn      func(Event) // nil: there is none, and no goroutine
	log     *zap.Logger
	dropped atomic.Uint64
	calling atomic.Bool   // fn runs
	wake    chan struct{} // one slot; sent by push and close, received by run; never closed
	done    chan struct{} // closed when run returns

	mu      sync.Mutex // guards what follows; never held while the callback runs
	history []Event
	queue   []Event
	closed  bool
}

// newEvents returns events for a callback that may be nil.
func newEvents(fn func(Event), log *zap.Logger) *events {
	e := &events{fn: fn, log: log, wake: make(chan struct{}, 1), done: make(chan struct{})}
	if fn == nil {
		close(e.done)
	} else {
		go survive(e.run, e.done)
	}
	return e
}

// push remembers an event and hands it over.
func (e *events) push(event Event) {
	event.At = time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.history = appendBounded(e.history, historyMax, event)
	if e.fn == nil {
		return
	}
	if len(e.queue) == eventsMax {
		e.dropped.Add(1)
	}
	e.queue = appendBounded(e.queue, eventsMax, event)
	e.nudge()
}

// appendBounded appends event to list, whose oldest makes room for it where there are limit of
// them.
func appendBounded(list []Event, limit int, event Event) []Event {
	if len(list) >= limit {
		list = append(list[:0], list[1:]...)
	}
	return append(list, event)
}

func (e *events) nudge() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// watch has the changes of c's state handed over, until c has a successor of the same name.
func (p *Producer) watch(c *dispatch.Site) {
	was := c.Status()
	c.Watch(func() { // it is called by one goroutine
		now := c.Status()
		if now.State == was.State && now.Reasons == was.Reasons {
			return
		}
		was = now
		if is := p.setup.Load().clusters[c.Name()]; is == c || is == nil {
			p.events.push(clusterEvent(c, now))
		}
	})
}

func clusterEvent(c *dispatch.Site, status cluster.Status) Event {
	return Event{Kind: EventCluster, Cluster: c.Name(), State: ClusterState(status.State),
		Reason: status.Reason,
		At:     status.Since}
}

// close ends run when everything that was pushed has been handed over.
func (e *events) close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.nudge()
}

func (e *events) run() {
	for {
		event, ok, closed := e.next()
		switch {
		case ok:
			e.call(event)
		case closed:
			return
		default:
			<-e.wake
		}
	}
}

// next takes the oldest event that waits.
func (e *events) next() (event Event, ok, closed bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.queue) > 0 {
		event, ok = e.queue[0], true
		e.queue = slices.Delete(e.queue, 0, 1)
	}
	return event, ok, e.closed
}

// call calls the callback and survives it.
func (e *events) call(event Event) {
	e.calling.Store(true)
	returned := false
	defer func() {
		v := recover()
		e.calling.Store(false)
		if returned {
			return
		}
		if v == nil {
			v = goexit
		}
		e.log.Error("the callback for events panicked", zap.String("panic", fmt.Sprint(v)),
			zap.ByteString("stack", debug.Stack()))
	}()
	e.fn(event)
	returned = true
}

// History returns the last events, at most 128, the oldest first. It works without WithEvents, too.
func (p *Producer) History() []Event {
	p.events.mu.Lock()
	defer p.events.mu.Unlock()
	return slices.Clone(p.events.history)
}

// Current yields the present as the events that would have led to it: the state of each cluster,
// where each priority goes, which priorities shed, and what records wait for. Read it when you
// begin to watch.
func (p *Producer) Current() iter.Seq[Event] {
	return func(yield func(Event) bool) {
		s := p.setup.Load()
		for _, name := range sortedNames(s.cfg.Clusters) {
			c := s.clusters[name]
			if !yield(clusterEvent(c, c.Status())) {
				return
			}
		}
		for l := range s.eachLane {
			if !yield(eventOf(l.Where())) {
				return
			}
			if p.evict.sheds(l.Priority) && !yield(shedding(l)) {
				return
			}
			for e := range l.Troubled {
				if !yield(eventOf(e)) {
					return
				}
			}
		}
	}
}
