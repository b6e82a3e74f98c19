package simulate

import (
	"math"
	"math/rand/v2"
	"sort"

	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
	"github.com/forebay-go/forebay/routing"
)

// lane is what every instance sends with one priority.
type lane struct {
	priority routing.Priority
	entries  []int // of the fleet file
	flows    []flow
	pace     pace
	rate     float64 // records/s
	wire     float64 // bytes/s
	copies   float64 // replicas, by bytes
	perVisit float64 // batches that one request takes
}

// lanesOf returns the priorities in use, the highest first.
func lanesOf(y *layout, late float64) (lanes []lane) {
	for _, priority := range routing.All {
		l := lane{priority: priority}
		for i := range y.fleet.Topics {
			if t := &y.fleet.Topics[i]; t.Priority == priority && t.InstanceRecordsPerSecond > 0 {
				l.add(i, newFlow(y.fleet, t, y.partitions(i)))
			}
		}
		if len(l.flows) > 0 {
			l.copies /= l.wire
			l.pace = paceOf(y, priority, late)
			lanes = append(lanes, l)
		}
	}
	return lanes
}

func (l *lane) add(entry int, f flow) {
	l.entries = append(l.entries, entry)
	l.flows = append(l.flows, f)
	l.rate += f.rate
	l.wire += f.rate * f.wire
	l.copies += f.rate * f.wire * f.copies
	l.perVisit += f.perVisit
}

// state is what an instance knows of the cluster.
type state uint8

const (
	up   state = iota // nothing waits
	dark              // no broker answers
	back              // some broker has answered, and some records still wait
)

// instance is one process with one producer.
type instance struct {
	random *rand.Rand
	state  state
	found  float64   // when a probe is answered
	probed float64   // brokers, since then
	uses   []use     // the brokers that it sends to
	sends  []sending // by lane
	linked int       // uses that have a connection
	want   float64   // bytes that it has for each of them
}

// use is a broker that an instance sends to.
type use struct {
	broker int
	conns  int // that it opens for records
	linked bool
}

// sending is one lane of an instance.
type sending struct {
	parts    []part
	backlogs []backlog // by flow
	held     float64   // bytes of memory, of all of them
}

// part is what one broker gets of the load of a lane.
type part struct {
	broker int
	of     float64 // of 1
}

func newInstance(y *layout, number int, lanes []lane) *instance {
	in := &instance{random: rand.New(rand.NewPCG(3, uint64(number)))}
	place := y.order(number)
	loads := make([][]float64, len(lanes)) // by lane and broker
	conns := make([]int, y.fleet.Brokers)
	for i := range lanes {
		loads[i] = y.loads(number, place, &lanes[i])
		for b, load := range loads[i] {
			if load > 0 && (conns[b] == 0 || !y.fleet.Settings.ShareConnections) {
				conns[b]++
			}
		}
	}
	for b, n := range conns {
		if n > 0 {
			in.uses = append(in.uses, use{broker: b, conns: n, linked: true})
		}
	}
	in.linked = len(in.uses)
	in.sends = make([]sending, len(lanes))
	for i := range lanes {
		s := &in.sends[i]
		s.backlogs = make([]backlog, len(lanes[i].flows))
		for j := range s.backlogs {
			s.backlogs[j].lane = &s.held
		}
		for b, load := range loads[i] {
			if load > 0 {
				s.parts = append(s.parts, part{b, load})
			}
		}
	}
	return in
}

// loads returns which part of a lane's records each broker gets from an instance.
func (y *layout) loads(number int, place []int, l *lane) []float64 {
	loads := make([]float64, y.fleet.Brokers)
	for i, entry := range l.entries {
		t := &y.fleet.Topics[entry]
		placed := len(y.first[entry])
		if !t.Keyed && t.Partitions >= y.fleet.Brokers {
			placed = 1 // all are alike
		}
		for j := range placed {
			brokers := y.leaders(entry, j)
			if !t.Keyed {
				brokers = y.used(number, place, brokers)
			}
			for _, b := range brokers {
				loads[b] += l.flows[i].rate / l.rate / float64(placed) / float64(len(brokers))
			}
		}
	}
	return loads
}

// cut takes all connections away.
func (in *instance) cut() {
	in.state, in.linked, in.probed = dark, 0, 0
	for i := range in.uses {
		in.uses[i].linked = false
	}
}

// useOf returns the use of a broker, nil if there is none. It looks at no more than the number of
// others: their brokers may be changing the rest.
func (in *instance) useOf(broker int) *use {
	i := sort.Search(len(in.uses), func(i int) bool { return in.uses[i].broker >= broker })
	if i == len(in.uses) || in.uses[i].broker != broker {
		return nil
	}
	return &in.uses[i]
}

// keep adds the records that come in some seconds to what waits, in a buffer of so many bytes.
// Those that expire or have no room are added to lost, by lane.
func (in *instance) keep(lanes []lane, buffer, now, step float64, lost []Lost) {
	for i := range lanes {
		for j := range lanes[i].flows {
			f, q := &lanes[i].flows[j], &in.sends[i].backlogs[j]
			lost[i].Expired += q.expire(f, now)
			q.seal(f, now)
			n := poisson(in.random, f.rate*step)
			if n == 0 {
				continue
			}
			held := f.openBytes(q.open.records + n)
			if in.makeRoom(i, buffer, held-q.open.held, lost) {
				q.add(n, held, now)
			} else {
				lost[i].NoRoom += n
			}
		}
	}
}

// makeRoom reports whether a lane gets so much memory more. Lower lanes make room, down to what is
// guaranteed to them.
func (in *instance) makeRoom(lane int, buffer, needs float64, lost []Lost) bool {
	free := buffer - in.held()
	for lower := len(in.sends) - 1; lower > lane && free < needs; lower-- {
		for free < needs && in.sends[lower].held > fleet.GuaranteedShare*buffer {
			before := in.sends[lower].held
			lost[lower].NoRoom += in.sends[lower].shed()
			free += before - in.sends[lower].held
		}
	}
	return free >= needs
}

func (in *instance) held() (sum float64) {
	for i := range in.sends {
		sum += in.sends[i].held
	}
	return sum
}

// shed drops the oldest batches of the flow that holds the most.
func (s *sending) shed() (records float64) {
	most := 0
	for i := range s.backlogs {
		if s.backlogs[i].held > s.backlogs[most].held {
			most = i
		}
	}
	return s.backlogs[most].drop()
}

// waiting returns the bytes that wait of a lane, compressed.
func (s *sending) waiting(l *lane) (sum float64) {
	for i := range s.backlogs {
		sum += s.backlogs[i].records * l.flows[i].wire
	}
	return sum
}

// poisson draws how many records arrive where so many do on average.
func poisson(random *rand.Rand, mean float64) float64 {
	if mean > 30 {
		return max(0, math.Round(mean+math.Sqrt(mean)*random.NormFloat64()))
	}
	n, left := 0.0, math.Exp(-mean)
	for p := random.Float64(); p > left; p *= random.Float64() {
		n++
	}
	return n
}
