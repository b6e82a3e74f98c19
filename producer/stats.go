package producer

import (
	"slices"
	"time"

	"github.com/forebay-go/forebay/internal/dispatch"
	"github.com/forebay-go/forebay/routing"
)

// Stats is what a producer has done and holds.
type Stats struct {
	Total      Books
	Priorities map[routing.Priority]Books
	Held       map[routing.Priority]int64 // bytes of HeldBytes, by priority
	Lanes      map[routing.Priority]LaneStats
	Clusters   map[string]ClusterStats
	Troubles   []Trouble // why records wait although their clusters answer, in no order

	// Topics are the topics in use, in no order. A topic that was idle for ten minutes is only in
	// the sums.
	Topics []TopicStats

	Refused map[error]uint64 // records that Send did not accept, by its error

	HeldBytes int64 // held under Buffer.MaxBytes, by all priorities
	MaxBytes  int64 // Buffer.MaxBytes
	// OverheadBytes bounds what is held beside HeldBytes: buffers kept for reuse, and those of
	// requests that are being written.
	OverheadBytes int64

	Traffic // with all clusters
	// Paths is the traffic of each priority with each cluster that it has ever used, in no order.
	Paths []PathStats

	Settings SettingsStats

	// Closed is set once Close was called: Send refuses everything, and what waits may still be
	// delivered.
	Closed bool

	Names NameStats // all zero with an application's dialer that resolves names itself

	ReportsDropped uint64 // delivery reports that the callbacks did not take in time
	ReportPanics   uint64 // panics and Goexits of the delivery callback, and of those of SendFunc
	EventsDropped  uint64 // events that made room for newer ones; see WithEvents

	InterceptorPanics uint64 // each refused a record; see WithInterceptor
}

// LaneStats is how a priority is.
type LaneStats struct {
	Cluster  string    // the cluster in use
	FellBack bool      // it is not the primary cluster
	Since    time.Time // when the priority began to use it
	Switches uint64    // how often the priority switched, but for changes of settings

	// Shedding is set if the priority has lost or refused records for lack of room within the last
	// ten seconds or so.
	Shedding bool

	// Oldest is how long ago the oldest record without an outcome was sent; zero if there is none.
	Oldest time.Duration
}

// TopicStats are the books of one topic with one priority.
type TopicStats struct {
	Topic    string
	Priority routing.Priority
	Cluster  string
	Held     int64  // bytes of its batches, and of reports of them that were not read
	Trouble  string // why its records wait and what ends it, in words; Stats.Troubles has the parts

	// Since is when the books began. A topic that comes back after ten idle minutes begins anew.
	Since time.Time
	Books
}

// ClusterStats is how a cluster is, and the books of what goes to it.
type ClusterStats struct {
	State  ClusterState
	Since  time.Time // when it came into that state
	Reason string    // why, in words, if it is not up
	ID     string    // that its brokers report; empty until one has

	Changes uint64 // how often its state has changed

	// Connections is the number of open connections to its brokers. Usually that is one for each
	// broker that receives records, and one or two for metadata. A priority that sends much opens
	// connections of its own, which close half a minute after their last request.
	Connections       int
	ConnectionsOpened uint64 // since New

	// Unnumbered says why batches go without a producer ID, if they do: the cluster refuses one, or
	// has no such IDs. Every retry of an unanswered batch then counts as maybe duplicated. Forebay
	// asks again from time to time.
	Unnumbered string
	Books
}

// Stats returns the books and more. Each topic's row is exact at one instant, at which it balances.
// Rows are read one after the other, and every sum is a sum of rows, so all sums balance too. Stats
// takes the lock of each topic for a moment, no longer where much waits, and waits for nothing
// else.
func (p *Producer) Stats() Stats {
	setup := p.setup.Load()
	s := Stats{
		Priorities:    make(map[routing.Priority]Books),
		Held:          make(map[routing.Priority]int64),
		Lanes:         make(map[routing.Priority]LaneStats),
		Clusters:      make(map[string]ClusterStats),
		Refused:       p.refusals(),
		Settings:      p.settings(setup),
		MaxBytes:      p.budget.Max(),
		OverheadBytes: p.pool.Idle(),
	}
	s.Closed = setup.isClosed(routing.Unset)
	held, sum := p.budget.Shares()
	s.HeldBytes = sum
	for _, priority := range routing.All {
		s.Held[priority] = held[classOf(priority)]
	}
	for name, c := range setup.clusters {
		status := c.Status()
		open, opened := c.Connections()
		s.Clusters[name] = ClusterStats{State: ClusterState(status.State), Since: status.Since,
			Reason: status.Reason, ID: status.ID, Changes: status.Changes,
			Connections: open, ConnectionsOpened: opened}
	}
	for l := range setup.eachLane {
		p.addLane(&s, l)
	}
	for name, c := range s.Clusters {
		if setup.clusters[name] == nil {
			c.State, c.Reason = ClusterClosed, "it is not in the settings any more"
			s.Clusters[name] = c
		}
	}
	s.Refused[ErrBufferFull] = s.Total.Refused + p.refused[refusedNoTable].Load()
	if p.network.names != nil {
		s.Names = NameStats(p.network.names.Stats())
	}
	s.EventsDropped = p.events.dropped.Load()
	s.ReportsDropped, s.ReportPanics = p.reports.dropped.Load(), p.reports.panics.Load()
	s.InterceptorPanics = p.interceptorPanics.Load()
	return s
}

// addLane adds what l has done to s. What each cluster got is read first: all of that is in the
// books of topics by then.
func (p *Producer) addLane(s *Stats, l *dispatch.Lane) {
	account := l.Account()
	elsewhere := s.addAccount(l.Priority, account)
	topics, sum := l.Buffer.Topics()
	now := p.clock.Mono()
	oldest := now
	s.Topics = slices.Grow(s.Topics, len(topics)) // most of what ten thousand of them would cost
	for _, t := range topics {
		cluster, troubles := account.Topic(t.Name())
		row := TopicStats{Topic: t.Name(), Priority: l.Priority, Cluster: cluster, Held: t.Held(),
			Since: t.Made()}
		var born time.Duration
		if row.Books, born = t.Account(); row.Pending > 0 {
			oldest = min(oldest, born)
		}
		row.Trouble = s.addTroubles(troubles, row.Pending)
		s.Topics = append(s.Topics, row)
		sum.Add(&row.Books)
		// counts for the cluster that is to get it
		waits := Books{Accepted: row.Pending, Pending: row.Pending}
		s.addBooks(row.Cluster, &waits)
		elsewhere.Add(&waits)
	}
	s.Priorities[l.Priority] = sum
	s.Total.Add(&sum)
	sum.Sub(&elsewhere)
	s.addBooks(account.Cluster, &sum)
	s.Lanes[l.Priority] = LaneStats{
		Cluster: account.Cluster, FellBack: account.FellBack, Since: account.Since,
		Switches: account.Switches, Shedding: p.evict.sheds(l.Priority), Oldest: now - oldest,
	}
}

// addAccount adds what the dispatchers of a lane have done, and returns the sum of their books.
func (s *Stats) addAccount(priority routing.Priority, a *dispatch.Account) (sum Books) {
	for name, why := range a.Unnumbered {
		c := s.Clusters[name]
		c.Unnumbered = why
		s.Clusters[name] = c
	}
	s.OverheadBytes += a.Overhead
	s.addTroubles(a.Troubles, 0)
	for name, done := range a.Done {
		s.addBooks(name, &done.Books)
		s.Traffic.Add(&done.Traffic)
		s.Paths = append(s.Paths, PathStats{Priority: priority, Cluster: name,
			Traffic: done.Traffic})
		sum.Add(&done.Books)
	}
	return sum
}

func (s *Stats) addBooks(cluster string, books *Books) {
	c := s.Clusters[cluster]
	c.Books.Add(books)
	s.Clusters[cluster] = c
}

// addTroubles adds what is visible of found, and returns the first of it in words. Of the topic
// that it is about pending records wait.
func (s *Stats) addTroubles(found []dispatch.Shown, pending uint64) (words string) {
	for i := range found {
		t := found[i].Trouble
		if !found[i].Visible() || t.Topic != "" && pending == 0 {
			continue
		}
		switch {
		case t.Cause == CauseSchemaUnknown:
			t.Records = min(t.Records, pending) // it was counted a moment ago
		case t.Topic != "":
			t.Records = pending
		}
		if words == "" {
			words = t.Advice()
		}
		s.Troubles = append(s.Troubles, t)
	}
	return words
}

func (p *Producer) refusals() map[error]uint64 {
	return map[error]uint64{
		ErrRecordTooLarge: p.refused[refusedTooLarge].Load(),
		ErrTooManyTopics:  p.refused[refusedTooManyTopics].Load(),
		ErrNoRoute:        p.refused[refusedNoRoute].Load(),
		ErrInvalidRecord:  p.refused[refusedInvalid].Load(),
		ErrIntercepted:    p.refused[refusedIntercepted].Load(),
		ErrClosed:         p.refused[refusedClosed].Load(),
	}
}
