package producer

import (
	"sync/atomic"
	"time"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/internal/cluster"
	"github.com/forebay-go/forebay/routing"
)

// Books count records: Accepted = Delivered + Shed + Expired + Rejected + PossiblyPersisted + Pending, at every instant.
type Books = buffer.Books

// Stats is what a producer has done and holds.
type Stats struct {
	Total      Books
	Priorities map[routing.Priority]Books
	Clusters   map[string]ClusterStats
	Topics     []TopicStats // those in use, in no order; one that was idle for ten minutes is only in the sums

	// Refused are the records that Send did not accept, by its error.
	Refused map[error]uint64

	HeldBytes     int64 // held under Buffer.MaxBytes
	MaxBytes      int64 // Buffer.MaxBytes
	OverheadBytes int64 // at most held beside it: buffers kept for reuse, and those of requests being written

	Requests       uint64 // produce requests that were answered
	RequestRecords uint64 // records in them
	RequestBytes   uint64 // bytes of batches in them

	ReportsDropped uint64 // delivery reports that were dropped, because the callback did not take them
	ReportPanics   uint64 // panics of the callback
}

// RecordsPerRequest returns the mean number of records in a produce request.
func (s *Stats) RecordsPerRequest() float64 { return ratio(s.RequestRecords, s.Requests) }

// BytesPerRequest returns the mean number of bytes in a produce request.
func (s *Stats) BytesPerRequest() float64 { return ratio(s.RequestBytes, s.Requests) }

func ratio(n, of uint64) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}

// TopicStats are the books of one topic in one lane.
type TopicStats struct {
	Topic    string
	Priority routing.Priority
	Cluster  string
	Trouble  string // why its records wait, in words, where the cluster says so: the topic is not there, or not for us
	Books
}

// ClusterStats is how a cluster is, and the books of what goes to it.
type ClusterStats struct {
	State  ClusterState
	Since  time.Time // when it came into that state
	Reason string    // why, in words, when it is not up
	Books
}

// ClusterState is how a cluster is.
type ClusterState = cluster.State

// The states of a cluster: connecting → up ⇄ degraded → down → up, and in the end closed.
const (
	Connecting    = cluster.Connecting
	Up            = cluster.Up
	Degraded      = cluster.Degraded
	Down          = cluster.Down
	ClusterClosed = cluster.Closed
)

// counts are what a dispatcher counts.
type counts struct{ requests, requestRecords, requestBytes atomic.Uint64 }

// Stats returns the books and more. Each topic's row is exact at one instant, at which it balances; rows are read one
// after the other, and every sum is a sum of rows, so all sums balance too. It takes the lock of each topic for a moment,
// and never waits for anything else.
func (p *Producer) Stats() Stats {
	s := Stats{
		Priorities:    make(map[routing.Priority]Books),
		Clusters:      make(map[string]ClusterStats),
		Refused:       p.refusals(),
		HeldBytes:     p.budget.Used(),
		MaxBytes:      p.budget.Max(),
		OverheadBytes: p.pool.Idle(),
	}
	for name, c := range p.clusters {
		status := c.Status()
		s.Clusters[name] = ClusterStats{State: status.State, Since: status.Since, Reason: status.Reason}
	}
	for d := range p.dispatchers {
		d.addTo(&s)
	}
	s.Refused[ErrBufferFull] = s.Total.Refused + p.refused[refusedNoTable].Load()
	if p.reports != nil {
		s.ReportsDropped, s.ReportPanics = p.reports.dropped.Load(), p.reports.panics.Load()
	}
	return s
}

// addTo adds what d has done to s.
func (d *dispatcher) addTo(s *Stats) {
	topics, sum := d.lane.Topics()
	view := d.cluster.View()
	for _, t := range topics {
		row := TopicStats{Topic: t.Name(), Priority: d.priority, Cluster: d.cluster.Name(), Books: t.Books()}
		if err := view.Topics[t.Name()].Err; err != nil {
			row.Trouble = err.Error()
		}
		s.Topics = append(s.Topics, row)
		sum.Add(&row.Books)
	}
	s.Priorities[d.priority] = sum
	s.Total.Add(&sum)
	c := s.Clusters[d.cluster.Name()]
	c.Books.Add(&sum)
	s.Clusters[d.cluster.Name()] = c
	s.Requests += d.counts.requests.Load()
	s.RequestRecords += d.counts.requestRecords.Load()
	s.RequestBytes += d.counts.requestBytes.Load()
	s.OverheadBytes += d.overhead.Load()
}

func (p *Producer) refusals() map[error]uint64 {
	return map[error]uint64{
		ErrRecordTooLarge: p.refused[refusedTooLarge].Load(),
		ErrTooManyTopics:  p.refused[refusedTooManyTopics].Load(),
		ErrNoRoute:        p.refused[refusedNoRoute].Load(),
		ErrInvalidRecord:  p.refused[refusedInvalid].Load(),
		ErrClosed:         p.refused[refusedClosed].Load(),
	}
}
