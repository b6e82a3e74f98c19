package audit

import (
	"slices"
	"sync"
	"time"
)

// stream gives numbers to the records of one topic, and remembers what became of them until that is
// stated.
type stream struct {
	topic string
	every uint64 // one record of so many gets a number

	mu      sync.Mutex // guards what follows; never held across I/O or encoding
	seen    uint64     // records that were offered
	next    uint64     // sequence of the next record that gets one
	least   Bucket     // buckets before it are final
	lost    uint64     // records whose fate will not be stated
	periods []*period  // in the order of their buckets; the last is the current one
}

// period is one bucket of a stream.
type period struct {
	bucket      Bucket
	first, next uint64 // the sequences of the bucket
	settled     uint64 // how many of them have a fate
	final       bool   // no more sequences, and no more fates
	parts       []*part
}

// part is what one statement has of a bucket. All but the last of a bucket are full.
type part struct {
	number  uint32
	runs    []run  // of a full part nil, when it is encoded
	encoded []byte // of a full part that was not delivered
	records uint64 // in runs
	givenUp bool

	now, said version   // of this moment, and of one in Kafka
	asked     uint64    // how many statements were sent
	underway  time.Time // since when the newest of them has no answer; zero: it has one
}

// version says what a statement of a part has.
type version struct {
	changes uint64
	next    uint64 // of the period
	final   bool
}

// A part is full when it has runsInPart runs, which take 110 KB here and up to 15 KB in a
// statement, or when it is stated with runsStated of them, so that they are not stated again and
// again.
const (
	runsInPart = 2000
	runsStated = 200
)

// stamp gives a record the next sequence and its bucket. A clock that goes back keeps the bucket.
// It returns false for a record that is not to be audited.
func (s *stream) stamp(bucket Bucket) (sequence uint64, in Bucket, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen++
	if s.every > 1 && s.seen%s.every != 1 {
		return 0, 0, false
	}
	bucket = max(bucket, s.least)
	n := len(s.periods)
	if n == 0 || s.periods[n-1].bucket < bucket {
		s.periods = append(s.periods, &period{bucket: bucket, first: s.next, next: s.next,
			parts: []*part{{}}})
		n++
	}
	p := s.periods[n-1]
	sequence = s.next
	s.next++
	p.next = s.next
	return sequence, p.bucket, true
}

// settle notes what became of a record.
func (s *stream) settle(sequence uint64, f fate, partition int32, offset int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.periods) - 1; i >= 0; i-- {
		if p := s.periods[i]; sequence >= p.first && sequence < p.next {
			p.settle(sequence, f, partition, offset)
			return
		}
	}
}

func (p *period) settle(sequence uint64, f fate, partition int32, offset int64) {
	p.settled++
	if f.kind != fateDelivered {
		partition, offset = 0, noOffset
	}
	open := p.parts[len(p.parts)-1]
	open.now.changes++
	open.records++
	if n := len(open.runs); n > 0 && open.runs[n-1].extend(sequence, f, partition, offset) {
		return
	}
	open.runs = append(open.runs, run{first: sequence, n: 1, fate: f, partition: partition,
		offset: offset})
	if len(open.runs) == runsInPart {
		p.open()
	}
}

// open begins a new part.
func (p *period) open() {
	p.parts = append(p.parts, &part{number: p.parts[len(p.parts)-1].number + 1})
}

// addTo adds what is known of the numbers of the stream.
func (s *stream) addTo(stats *SourceStats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats.Stamped += s.next
	stats.Unstated += s.lost
	for _, p := range s.periods {
		if !p.final { // else they are among the lost
			stats.Open += p.next - p.first - p.settled
		}
		for _, a := range p.parts {
			if !a.givenUp {
				stats.Unsaid += a.now.changes - a.said.changes
			}
		}
	}
}

// statement is a version of a part that is to be sent.
type statement struct {
	claim   claim
	encoded []byte // of a full part that was encoded before
	full    bool
	part    *part
	version version
	number  uint64 // of the statements of the part
}

const (
	// askAgain is after how long a statement without an answer is sent again: its report was
	// dropped. Until then there is one version of each in the producer's buffer.
	askAgain = 10 * time.Minute
	// askAgainAtLast is the same for Close.
	askAgainAtLast = time.Minute
	// patience is for how many buckets a bucket waits for fates. After four hours no record is
	// without an outcome, unless its delivery timeout is longer.
	patience = 24
)

// unsaid returns the statements that are to be sent now. It is done when last is set and all were
// delivered. If told is set, no more fates will come, and no more answers to statements that were
// sent before that time.
func (s *stream) unsaid(now Bucket, last bool, told time.Time) (todo []statement, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	done = true
	s.periods = slices.DeleteFunc(s.periods, (*period).stated)
	for _, p := range s.periods {
		if !p.final && p.over(now, last, !told.IsZero()) {
			p.final = true
			s.least = max(s.least, p.bucket+1)
			s.lost += p.next - p.first - p.settled
		}
		done = done && p.final
		for i := 0; i < len(p.parts); i++ {
			if t, ok := p.ask(i, last, told); ok {
				todo = append(todo, t)
			}
			done = done && p.parts[i].done()
		}
	}
	return todo, done
}

// over reports whether no more sequences will be given, and no more fates will come.
func (p *period) over(now Bucket, last, told bool) bool {
	settled := p.settled == p.next-p.first
	return last && (settled || told) || p.bucket < now && (settled || p.bucket+patience < now)
}

// stated reports whether nothing of the period is left to be stated.
func (p *period) stated() bool {
	return p.final && !slices.ContainsFunc(p.parts, func(a *part) bool { return !a.done() })
}

func (a *part) done() bool { return a.givenUp || a.said == a.now && a.said != version{} }

// ask returns the statement of a part, if it is to be sent.
func (p *period) ask(i int, last bool, told time.Time) (t statement, ok bool) {
	a := p.parts[i]
	full := i < len(p.parts)-1
	if !full {
		a.now.next, a.now.final = p.next, p.final
	}
	patience := askAgain
	if last {
		patience = askAgainAtLast
	}
	if a.underway.Before(told) {
		a.underway = time.Time{} // its answer was dropped
	}
	if a.done() || !a.underway.IsZero() && time.Since(a.underway) < patience {
		return t, false
	}
	a.asked, a.underway = a.asked+1, time.Now()
	t = statement{part: a, version: a.now, number: a.asked, full: full, encoded: a.encoded}
	t.claim = claim{bucket: p.bucket, part: a.number, first: p.first, next: p.next,
		final: p.final && !full}
	switch {
	case full:
		t.claim.runs = a.runs // they do not change
	case len(a.runs) >= runsStated && !p.final:
		t.claim.runs, t.full = a.runs, true
		p.open()
	default:
		t.claim.runs = slices.Clone(a.runs)
	}
	return t, true
}

// encoded keeps the statement of a full part in place of its runs, and returns how many bytes that
// takes.
func (s *stream) encoded(a *part, value []byte) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.encoded, a.runs = value, nil
	return int64(len(value))
}

// answered notes whether a statement was delivered, and returns how many bytes that has freed.
func (s *stream) answered(t *statement, delivered bool) (freed int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := t.part
	if t.number == a.asked {
		a.underway = time.Time{}
	}
	if !delivered || t.version.changes < a.said.changes {
		return 0
	}
	a.said = t.version
	if !t.full { // what was added to it since then is not stated
		return 0
	}
	if a.givenUp {
		a.givenUp = false
		s.lost -= a.records
	}
	freed = int64(len(a.encoded))
	a.encoded = nil
	return freed
}

// giveUp frees the oldest full part that was not delivered, and returns how many bytes it had.
func (s *stream) giveUp() (freed int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.periods {
		for _, a := range p.parts {
			if a.encoded != nil {
				freed = int64(len(a.encoded))
				a.encoded, a.givenUp = nil, true
				s.lost += a.records
				return freed
			}
		}
	}
	return 0
}
