package simulate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
	"github.com/forebay-go/forebay/internal/cluster"
)

const (
	// Longest is the longest time that can be played.
	Longest = 24 * time.Hour
	// calm is what is played before the outage.
	calm = time.Minute
	// fine is how many steps a second has while a cluster comes back, for finely at most.
	fine   = 10
	finely = 5 * time.Minute
)

// Run plays the fleet of a plan for so long, with its outage after the first minute.
func Run(p *fleet.Plan, lasts time.Duration) (*Result, error) {
	f := p.Fleet()
	if lasts < f.Outage+2*calm || lasts > Longest {
		return nil, fmt.Errorf("%s: write a time from %s, for the outage and a minute before and "+
			"after it, to %s", fleet.DurationText(lasts), fleet.DurationText(f.Outage+2*calm),
			fleet.DurationText(Longest))
	}
	if err := tooMuch(p, &f, lasts); err != nil {
		return nil, err
	}
	s := newSimulation(p, &f)
	for s.now < lasts.Seconds() {
		s.second()
	}
	return s.result(lasts), nil
}

// simulation is a fleet and its cluster at one moment.
type simulation struct {
	fleet        *fleet.Fleet
	coefficients *fleet.Coefficients
	capacity     float64 // bytes/s that a broker takes
	lanes        []lane
	instances    []*instance
	brokers      []*broker
	dark         darkness
	pace         float64 // probes/s of an instance in a short outage
	begins, ends float64 // of the outage
	now          float64
	recovering   bool
	workers      []*worker
	share        share
	seconds      []Second
	lost         []Lost
}

// worker plays some of the instances, and counts what they do.
type worker struct {
	instances []*instance
	first     int       // the number of the first of them
	loads     [][]load  // by lane and broker, in this second
	small     []float64 // bytes for each broker of instances for which nothing waits, in this step
	lost      []Lost    // in this second, by lane
	dials     [][]dial  // by broker, in this step
	below     []float64
	above     []int
	held      float64 // memory of all, at the end of the second
	mostHeld  float64
	waiting   float64   // bytes of all, compressed
	emptied   []float64 // when instances were empty, in seconds after the outage
	draining  int       // instances for which something waits
	busy      bool      // some instance is not up
}

// load is what some instances send to a broker.
type load struct{ requests, batches, records, bytes float64 }

func newSimulation(p *fleet.Plan, f *fleet.Fleet) *simulation {
	y := newLayout(f)
	s := &simulation{fleet: f, coefficients: &p.Coefficients, capacity: p.Outage.Capacity,
		lanes:  lanesOf(y, p.Coefficients.Late),
		begins: calm.Seconds(), ends: (calm + f.Outage.Round(time.Second)).Seconds(),
		dark:      darken(f),
		pace:      1 / cluster.Probes(f.Settings.ProbeMax, f.Brokers)(0).Seconds(),
		instances: make([]*instance, f.Instances),
		share:     share{room: make([]float64, f.Brokers), level: make([]float64, f.Brokers)}}
	s.lost = make([]Lost, len(s.lanes))
	s.hire()
	s.each(func(w *worker) {
		for i := range w.instances {
			w.instances[i] = newInstance(y, w.first+i, s.lanes)
		}
	})
	for b := range f.Brokers {
		s.brokers = append(s.brokers, &broker{random: rand.New(rand.NewPCG(4, uint64(b)))})
	}
	s.connect()
	return s
}

// hire makes the workers.
func (s *simulation) hire() {
	n := min(runtime.GOMAXPROCS(0), len(s.instances))
	for i := range n {
		from, to := i*len(s.instances)/n, (i+1)*len(s.instances)/n
		w := &worker{instances: s.instances[from:to], first: from,
			lost: make([]Lost, len(s.lanes)), dials: make([][]dial, s.fleet.Brokers),
			small: make([]float64, s.fleet.Brokers), below: make([]float64, s.fleet.Brokers),
			above: make([]int, s.fleet.Brokers)}
		for range s.lanes {
			w.loads = append(w.loads, make([]load, s.fleet.Brokers))
		}
		s.workers = append(s.workers, w)
	}
}

// each has all workers do something at the same time, and returns when all have.
func (s *simulation) each(do func(*worker)) {
	var all sync.WaitGroup
	for _, w := range s.workers {
		all.Go(func() { do(w) })
	}
	all.Wait()
}

// connect opens the connections of a fleet that is well.
func (s *simulation) connect() {
	for _, b := range s.brokers {
		b.conns = float64(s.fleet.Instances) / float64(s.fleet.Brokers) // for metadata
	}
	for _, in := range s.instances {
		for _, u := range in.uses {
			s.brokers[u.broker].conns += float64(u.conns)
		}
	}
}

// second plays one second.
func (s *simulation) second() {
	if s.now == s.begins && s.ends > s.begins {
		s.cut()
	}
	if s.now == s.ends {
		s.recovering = s.ends > s.begins
	}
	steps := 1
	if s.recovering && s.draining() && s.now < s.ends+finely.Seconds() {
		steps = fine
	}
	start := s.now
	for i := range steps {
		s.now = start + float64(i)/float64(steps)
		s.step(1 / float64(steps))
	}
	s.now = start
	s.note()
	s.now = start + 1
}

// cut begins the outage.
func (s *simulation) cut() {
	for _, b := range s.brokers {
		b.conns, b.idle = 0, nil
	}
	for _, w := range s.workers {
		w.busy = true
	}
	for i, in := range s.instances {
		in.cut()
		in.found = s.ends + s.dark.back[i%len(s.dark.back)]
	}
}

// step plays a part of a second.
func (s *simulation) step(lasts float64) {
	buffer := float64(s.fleet.Settings.BufferBytes)
	s.each(func(w *worker) {
		clear(w.small)
		for i, in := range w.instances {
			if s.recovering && in.found < s.now+lasts {
				w.probe(in, w.first+i, s.pace*lasts)
			}
			if in.state == up {
				w.steady(s.lanes, in, lasts)
			} else {
				in.keep(s.lanes, buffer, s.now, lasts, w.lost)
			}
		}
	})
	if s.recovering {
		s.acceptAll(lasts)
		s.drain(lasts)
	}
}

// steady counts what an instance sends for which nothing waits.
func (w *worker) steady(lanes []lane, in *instance, lasts float64) {
	for i := range lanes {
		l := &lanes[i]
		n := l.pace.requests*lasts + math.Sqrt(l.pace.variance*lasts)*in.random.NormFloat64()
		n = max(0, n)
		batches := n * l.pace.batches / s1(l.pace.requests)
		records, bytes := l.rate*lasts, l.wire*lasts+batches*fleet.BatchFraming
		for _, p := range in.sends[i].parts {
			at := &w.loads[i][p.broker]
			at.requests += n * p.of
			at.batches += batches * p.of
			at.records += records * p.of
			at.bytes += bytes * p.of
			w.small[p.broker] += bytes * p.of
		}
	}
}

// probe has an instance to which some broker has answered probe so many more, in an order of its
// own, and some at once when it is the first that answered.
func (w *worker) probe(in *instance, number int, more float64) {
	if in.state == dark {
		in.state = back
		more += 1 + cluster.AtOnce
	}
	brokers := len(w.dials)
	until := min(in.probed+more, float64(brokers))
	for n := int(in.probed); n < int(until); n++ {
		b := (number + n) % brokers
		w.dials[b] = append(w.dials[b], dial{instance: int32(number)})
	}
	in.probed = until
}

// acceptAll lets the brokers accept connections.
func (s *simulation) acceptAll(lasts float64) {
	s.spread(len(s.brokers), func(b int) {
		for _, w := range s.workers {
			s.brokers[b].come(w.dials[b])
			w.dials[b] = w.dials[b][:0]
		}
		s.brokers[b].accept(b, s.fleet, s.instances, s.now, lasts)
	})
}

// spread does something for each number below n, on all processors.
func (s *simulation) spread(n int, do func(int)) {
	var all sync.WaitGroup
	for k := range s.workers {
		all.Go(func() {
			for i := k; i < n; i += len(s.workers) {
				do(i)
			}
		})
	}
	all.Wait()
}
