package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/forebay-go/forebay/producer"
)

// fate is what the producer said of one record.
type fate struct {
	producer.Report
	times int // it was reported
}

// watcher is what the application is told. It is safe for concurrent use.
type watcher struct {
	mu       sync.Mutex // guards what follows
	fates    map[uint64]fate
	events   []producer.Event
	told     int                  // events that take has returned
	switched map[string]time.Time // when a cluster was last chosen
	first    map[string]time.Time // when a cluster delivered its first record
	longest  time.Duration        // from Send to delivery
}

func newWatcher() *watcher {
	return &watcher{fates: make(map[uint64]fate), switched: make(map[string]time.Time),
		first: make(map[string]time.Time)}
}

// report is the callback for delivery reports.
func (w *watcher) report(r producer.Report) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fates[r.Tag] = fate{r, w.fates[r.Tag].times + 1}
	if r.Outcome != producer.Delivered {
		return
	}
	w.longest = max(w.longest, r.Waited)
	if _, ok := w.first[r.Cluster]; !ok {
		w.first[r.Cluster] = time.Now()
	}
}

// event is the callback for events.
func (w *watcher) event(e producer.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
	if e.Kind == producer.EventFellBack || e.Kind == producer.EventReturned {
		w.switched[e.Cluster] = e.At
	}
}

// take returns the events since the last call.
func (w *watcher) take() []producer.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	events := w.events[w.told:]
	w.told = len(w.events)
	return events
}

// chosen returns when a cluster was chosen, if that was after since.
func (w *watcher) chosen(cluster string, since time.Time) (at time.Time, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at = w.switched[cluster]
	return at, at.After(since)
}

// delivered returns when a cluster delivered its first record.
func (w *watcher) delivered(cluster string) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.first[cluster]
}

// text is how an event is shown.
func text(e producer.Event) string {
	switch e.Kind {
	case producer.EventCluster:
		return fmt.Sprintf("cluster %s is %v %s", e.Cluster, e.State, e.Reason)
	case producer.EventFellBack, producer.EventReturned:
		return fmt.Sprintf("%v %v: from %s to %s (%s)", e.Priority, e.Kind, e.From, e.Cluster,
			e.Reason)
	default:
		return fmt.Sprintf("%v %s", e.Kind, e.Reason)
	}
}
