package simulate

import (
	"slices"
	"time"

	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
)

// Result is a fleet played through time. Figures of one broker are of those that are there.
type Result struct {
	Seconds  float64  `json:"seconds"`
	Outage   Span     `json:"outage"`
	Drain    Drain    `json:"drain"`
	Lost     []Lost   `json:"lost"` // by priority, of the whole fleet
	Timeline []Second `json:"timeline"`
}

// Span is a part of the time that is played, in seconds from its start.
type Span struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
}

// Drain says when the instances had sent what waited, in seconds after the outage. An instance that
// has not when the time is over counts as Left.
type Drain struct {
	First  float64 `json:"first_instance_seconds"`
	Median float64 `json:"median_instance_seconds"`
	Last   float64 `json:"last_instance_seconds"`
	// Drained counts those that have.
	Drained int `json:"instances_drained"`
	Left    int `json:"instances_left"`
}

// Lost is the records that were lost: those that expired, and those that had no room in the buffer.
type Lost struct {
	Priority string  `json:"priority"`
	Expired  float64 `json:"expired_records"`
	NoRoom   float64 `json:"records_without_room"`
}

// Second is one second of a fleet. It begins at a time; what is counted in bytes and connections is
// that at its end.
type Second struct {
	At       float64 `json:"at"`
	Requests Each    `json:"requests_per_second"` // of one broker, as all that follow with a mean
	Bytes    Each    `json:"produce_bytes_per_second"`
	Cores    Each    `json:"cores"`
	Conns    Each    `json:"connections"`
	Attempts Each    `json:"connection_attempts"`
	Records  float64 `json:"records_per_second"` // that the whole fleet sent
	Backlog  float64 `json:"backlog_bytes"`      // compressed, of the whole fleet
	Memory   Each    `json:"buffer_bytes"`       // of one instance
	Lost     float64 `json:"records_lost"`       // by the whole fleet
	Draining int     `json:"instances_draining"` // those for which something waits
}

// Each is a figure of many brokers or instances.
type Each struct {
	Mean float64 `json:"mean"`
	Most float64 `json:"most"`
}

// add adds the figure of one of so many.
func (e *Each) add(figure float64, of int) {
	e.Mean += figure / float64(of)
	e.Most = max(e.Most, figure)
}

// note appends the second that has ended to the timeline, and begins to count the next.
func (s *simulation) note() {
	n := Second{At: s.now}
	away := s.now >= s.begins && s.now < s.ends
	for number, b := range s.brokers {
		l := s.loadOf(number)
		n.Requests.add(l.Requests, len(s.brokers))
		n.Bytes.add(l.ProduceBytes, len(s.brokers))
		n.Records += l.Records
		n.Conns.add(b.conns, len(s.brokers))
		if away {
			b.dialed = s.dark.attempts[int(s.now-s.begins)] * float64(len(s.instances))
		} else if !s.coefficients.NoProcessor {
			n.Cores.add(s.coefficients.Cores(&l, s.fleet.Broker).Total, len(s.brokers))
		}
		n.Attempts.add(b.dialed, len(s.brokers))
		b.dialed = 0
	}
	s.each(func(w *worker) { w.weigh(s.lanes) })
	for _, w := range s.workers {
		n.Memory.Mean += w.held / float64(len(s.instances))
		n.Memory.Most = max(n.Memory.Most, w.mostHeld)
		n.Backlog += w.waiting
		n.Draining += w.draining
		for i := range w.lost {
			n.Lost += w.lost[i].Expired + w.lost[i].NoRoom
			s.lost[i].Expired += w.lost[i].Expired
			s.lost[i].NoRoom += w.lost[i].NoRoom
		}
		clear(w.lost)
		for i := range w.loads {
			clear(w.loads[i])
		}
	}
	s.seconds = append(s.seconds, n)
}

// loadOf returns what a broker got in a second.
func (s *simulation) loadOf(number int) (sum fleet.Load) {
	sum.Connections = s.brokers[number].conns
	for i := range s.lanes {
		for _, w := range s.workers {
			l := &w.loads[i][number]
			sum.Requests += l.requests
			sum.Batches += l.batches
			sum.Records += l.records
			sum.ProduceBytes += l.bytes
			sum.WrittenBytes += l.bytes * s.lanes[i].copies
		}
	}
	if sum.Requests > 0 {
		sum.Fetches = fleet.Fetches(sum.Requests, sum.Batches/sum.Requests,
			sum.WrittenBytes/sum.ProduceBytes, len(s.brokers))
	}
	return sum
}

// weigh sums up what waits in the instances.
func (w *worker) weigh(lanes []lane) {
	w.held, w.mostHeld, w.waiting, w.draining = 0, 0, 0, 0
	for _, in := range w.instances {
		if in.state == up {
			continue
		}
		w.draining++
		held := in.held()
		w.held += held
		w.mostHeld = max(w.mostHeld, held)
		for i := range in.sends {
			w.waiting += in.sends[i].waiting(&lanes[i])
		}
	}
}

// result returns what was played.
func (s *simulation) result(lasts time.Duration) *Result {
	r := &Result{Seconds: lasts.Seconds(), Outage: Span{s.begins, s.ends}, Lost: s.lost,
		Timeline: s.seconds}
	for i := range s.lanes {
		r.Lost[i].Priority = s.lanes[i].priority.String()
	}
	var emptied []float64
	for _, w := range s.workers {
		emptied = append(emptied, w.emptied...)
	}
	slices.Sort(emptied)
	if n := len(emptied); n > 0 {
		r.Drain = Drain{First: emptied[0], Median: emptied[n/2], Last: emptied[n-1], Drained: n}
	}
	if s.ends > s.begins {
		r.Drain.Left = len(s.instances) - len(emptied)
	}
	return r
}
