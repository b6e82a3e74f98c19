package simulate

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"time"

	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
	"github.com/forebay-go/forebay/internal/dispatch"
	"github.com/forebay-go/forebay/routing"
)

// sender plays one priority of one instance, record by record, by the rules of the engine:
//
//   - When an open batch has lingered, a request goes to the broker whose partitions have waited
//     longest, and takes every open batch along that the broker can take.
//   - An un-keyed batch that missed the last such request waits for the next one, one more linger
//     at most. A batch with keys has one broker, and waits no longer.
//   - A full batch is sealed, and goes by itself.
//   - Two requests to a broker are in flight, and one batch to a partition.
//   - With max_linger, the linger follows what requests carry, as the engine's does.
//
// Records arrive as a Poisson process.
type sender struct {
	settings dispatch.Settings
	late     float64 // seconds by which timers are late
	latency  float64 // from a request to its answer
	linger   dispatch.Linger
	random   *rand.Rand

	streams []*stream
	sums    []float64 // of the rates of streams, up to each
	busy    [][]float64
	now     float64
	opened  float64 // when a request last took open batches
	tick    int
	counts  counts
}

// counts is what a sender has done.
type counts struct {
	requests, records, batches float64
	began, last                float64
	gaps, squares              float64 // between requests: sum, and sum of squares
}

// stream is a topic without keys, or the partitions with keys on one broker.
type stream struct {
	rate   float64 // records/s
	size   float64 // bytes of a record
	most   int     // records that fit
	stands float64 // for how many batches that are open at a time
	keyed  bool
	leads  []lead
	at     map[int]int // from broker to lead

	open   int
	since  float64
	sealed int // full batches that wait
}

// lead is the partitions of a stream on one broker.
type lead struct {
	broker int
	used   int
	flying []float64 // until when each of them has a batch in flight
}

const (
	slots    = 2    // requests in flight to a broker
	enough   = 2000 // requests that are counted
	settling = 200  // requests before that

	// No more records are sent than plenty, and fewer by many streams: each record looks at all of
	// them.
	plenty      = 100_000
	leastPlenty = 5_000
	looks       = 30_000_000
)

// newSender returns the sender of a priority of an instance.
func newSender(y *layout, instance int, priority routing.Priority, late float64) *sender {
	f := y.fleet
	s := &sender{late: late, latency: f.Settings.AckLatency.Seconds(),
		settings: dispatch.Settings{Linger: f.Settings.Linger, MaxLinger: f.Settings.MaxLinger},
		random:   rand.New(rand.NewPCG(2, uint64(instance))), busy: make([][]float64, f.Brokers)}
	place := y.order(instance)
	for i := range f.Topics {
		if f.Topics[i].Priority == priority && f.Topics[i].InstanceRecordsPerSecond > 0 {
			s.add(y, i, instance, place)
		}
	}
	sum := 0.0
	for _, t := range s.streams {
		sum += t.rate
		s.sums = append(s.sums, sum)
	}
	for b := range s.busy {
		s.busy[b] = make([]float64, slots)
	}
	return s
}

// add adds the topics of an entry.
func (s *sender) add(y *layout, entry, instance int, place []int) {
	t := &y.fleet.Topics[entry]
	placed := len(y.first[entry])
	stands := float64(t.Count) / float64(placed)
	each := stream{rate: t.InstanceRecordsPerSecond / float64(placed),
		size: float64(t.RecordBytes + fleet.RecordFraming), stands: stands, keyed: t.Keyed}
	each.most = max(1, int(float64(y.fleet.Settings.BatchBytes)/each.size))
	partitions := y.partitions(entry)
	for j := range placed {
		leaders := y.leaders(entry, j)
		if !t.Keyed {
			s.stream(each, partitions*stands, y.used(instance, place, leaders))
			continue
		}
		for _, b := range leaders {
			keyed := each
			keyed.rate /= float64(len(leaders))
			keyed.stands *= partitions
			s.stream(keyed, partitions*stands, []int{b})
		}
	}
}

// stream adds a stream with so many partitions on each of some brokers.
func (s *sender) stream(t stream, partitions float64, brokers []int) {
	t.at = make(map[int]int, len(brokers))
	t.most = max(1, int(float64(t.most)*t.stands))
	for i, b := range brokers {
		t.at[b] = i
		t.leads = append(t.leads, lead{broker: b,
			flying: make([]float64, max(1, min(slots, int(math.Round(partitions)))))})
	}
	s.streams = append(s.streams, &t)
}

// run plays until enough was counted.
func (s *sender) run() counts {
	if len(s.streams) == 0 {
		return counts{}
	}
	total := s.sums[len(s.sums)-1]
	plenty := float64(min(plenty, max(leastPlenty, looks/len(s.streams))))
	next := s.random.ExpFloat64() / total
	settled := false
	for s.counts.requests < enough && s.counts.records < plenty {
		at, ripe := s.nextDue()
		switch {
		case ripe == nil || next < at:
			s.now = next
			s.arrive(s.streams[s.draw(total)])
			next = s.now + s.random.ExpFloat64()/total
		case at > s.now:
			s.now = at // a linger ends, or a broker is free
		default:
			s.send(ripe)
		}
		if !settled && (s.counts.requests >= settling || s.counts.records >= plenty/4) {
			s.counts, settled = counts{began: s.now, last: s.now}, true
		}
	}
	return s.counts
}

// draw returns the stream of the next record.
func (s *sender) draw(total float64) int {
	return min(sort.SearchFloat64s(s.sums, s.random.Float64()*total), len(s.sums)-1)
}

func (s *sender) arrive(t *stream) {
	s.counts.records++
	if t.open >= t.most {
		t.sealed++
		t.open = 0
	}
	if t.open == 0 {
		t.since = s.now
	}
	t.open++
}

// nextDue returns when the next stream may send, and which; nil if none has anything.
func (s *sender) nextDue() (at float64, ripe *stream) {
	for _, t := range s.streams {
		if t.open == 0 && t.sealed == 0 {
			continue
		}
		due := s.due(t)
		if due <= s.now {
			due = max(s.now, s.free(t))
		}
		if ripe == nil || due < at {
			at, ripe = due, t
		}
	}
	return at, ripe
}

// due returns when a stream is ready.
func (s *sender) due(t *stream) float64 {
	if t.sealed > 0 {
		return s.now
	}
	linger := s.linger.In(&s.settings).Seconds()
	due := t.since + linger + s.late
	if !t.keyed {
		due += min(max(0, s.opened-t.since), linger)
	}
	return due
}

// free returns when one of the brokers of t can take a batch.
func (s *sender) free(t *stream) float64 {
	at := math.Inf(1)
	for i := range t.leads {
		at = min(at, s.leadFree(&t.leads[i]))
	}
	return at
}

func (s *sender) leadFree(l *lead) float64 {
	return max(slices.Min(s.busy[l.broker]), slices.Min(l.flying))
}

// occupy takes the slot that is free first until a time.
func occupy(times []float64, until float64) {
	times[slices.Index(times, slices.Min(times))] = until
}

// send makes a request because of ripe.
func (s *sender) send(ripe *stream) {
	best, most := -1, -1
	for i := range ripe.leads {
		if l := &ripe.leads[i]; s.leadFree(l) <= s.now {
			if waited := s.waited(l.broker); waited > most {
				best, most = l.broker, waited
			}
		}
	}
	lingered := ripe.sealed == 0
	s.tick++
	if lingered {
		s.opened = s.now
	}
	records, bytes := 0, 0.0
	for _, t := range s.streams {
		n := s.take(t, best, lingered, fleet.MaxRequestBytes-bytes)
		records += n
		bytes += float64(n) * t.size
	}
	occupy(s.busy[best], s.now+s.latency)
	s.linger.Sent(&s.settings, records, int(bytes), time.Duration(s.now*float64(time.Second)))
	s.counts.note(s.now)
}

// waited returns for how many requests the partitions on a broker have waited, all streams
// together that have something for it.
func (s *sender) waited(broker int) (sum int) {
	for _, t := range s.streams {
		if i, on := t.at[broker]; on && (t.open > 0 || t.sealed > 0) {
			sum += s.tick - t.leads[i].used + 1
		}
	}
	return sum
}

// take takes what t has for a request to a broker with that room, and returns how many records.
func (s *sender) take(t *stream, broker int, open bool, room float64) (records int) {
	i, on := t.at[broker]
	if !on {
		return 0
	}
	l := &t.leads[i]
	for slices.Min(l.flying) <= s.now && room >= t.size {
		n := 0
		switch {
		case t.sealed > 0:
			t.sealed--
			n = t.most
		case open && t.open > 0:
			n, t.open = t.open, 0
		default:
			return records
		}
		// of the batches that t stands for, so many have a record
		s.counts.batches += t.stands * (1 - math.Pow(1-1/t.stands, float64(n)))
		records += n
		room -= float64(n) * t.size
		l.used = s.tick
		occupy(l.flying, s.now+s.latency)
	}
	return records
}

// note counts a request.
func (c *counts) note(now float64) {
	gap := now - c.last
	c.requests++
	c.gaps += gap
	c.squares += gap * gap
	c.last = now
}

// pace is what an instance sends with one priority in a second, on average.
type pace struct {
	requests float64
	variance float64 // of the requests in a second
	batches  float64
}

// players is how many instances are played record by record.
const players = 4

// paceOf plays a priority of some instances. Each uses other brokers.
func paceOf(y *layout, priority routing.Priority, late float64) (p pace) {
	for i := range min(players, y.fleet.Instances) {
		c := newSender(y, i, priority, late).run()
		if c.requests == 0 {
			continue
		}
		took, n := s1(c.last-c.began), float64(min(players, y.fleet.Instances))
		mean := c.gaps / c.requests
		spread := max(0, c.squares/c.requests-mean*mean)
		p.requests += c.requests / took / n
		p.batches += c.batches / took / n
		p.variance += spread / s1(mean*mean*mean) / n
	}
	return p
}

// s1 keeps what is divided by above zero.
func s1(f float64) float64 { return max(f, 1e-12) }
