package audit

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// Grace is how long statements may be on their way. A record that nobody has seen is called lost no
// earlier than that after readers have gone past it.
const Grace = 15 * time.Second

// Ledger puts the statements of all sources and readers together, and finds what is lost. It does
// not matter in which order statements come, how often, and from how many readers. A Ledger is safe
// for concurrent use.
type Ledger struct {
	mu       sync.Mutex // guards what follows; never held across I/O
	names    map[InstanceID]string
	accounts map[accountOf]*account
	logs     map[partitionOf]*partitionLog
	clusters map[string]*clusters       // by topic
	counts   map[string]int32           // partitions of each topic
	byTime   []timed                    // runs whose offset nobody knows
	ends     map[string]map[int32]int64 // of topics, by partition: see Ends
	sources  map[sourceOf]*presence
	readers  map[string]*presence
	tended   map[string]time.Time // topics that are read, until when they count as that
	wrong    uint64               // records that are no statements
	oldest   Bucket               // what is said about those before it is not heard: see Forget
}

type accountOf struct {
	Stream
	bucket Bucket
}

type sourceOf struct {
	instance string
	run      uint64
}

// timed is a run that is looked for until all readers of its partitions are past what was in the
// log after Grace.
type timed struct {
	run     run
	topic   string
	account *account
	since   time.Time
}

// presence is what is known of a source or a reader.
type presence struct {
	heard    time.Time // its newest statement, by the clock of the ledger
	interval time.Duration
	ended    bool
	started  time.Time // by its own clock
	unstated uint64
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger {
	return &Ledger{names: make(map[InstanceID]string), accounts: make(map[accountOf]*account),
		logs: make(map[partitionOf]*partitionLog), counts: make(map[string]int32),
		sources: make(map[sourceOf]*presence), readers: make(map[string]*presence),
		tended: make(map[string]time.Time), clusters: make(map[string]*clusters),
		ends: make(map[string]map[int32]int64)}
}

// Add takes the value of a record of the statement topic, at the time at which it was read. An
// error means that it is not a statement of this version of the package; it is counted then, and
// changes nothing else. A record without a value changes nothing.
func (l *Ledger) Add(value []byte, now time.Time) error {
	return l.add(value, hearing{now: now, said: now})
}

// hearing is when the ledger hears of a statement.
type hearing struct {
	now  time.Time
	said time.Time // when the statement was made: before now, or just now
	old  bool      // it was there when the ledger began
}

// add is Add for a statement that may be old.
func (l *Ledger) add(value []byte, at hearing) error {
	if value == nil {
		return nil
	}
	apply, err := l.parse(value, at)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.wrong++
		return err
	}
	apply()
	return nil
}

// parse returns what has to be done with a statement.
func (l *Ledger) parse(value []byte, at hearing) (apply func(), err error) {
	d, kind, err := decode(value)
	if err != nil {
		return nil, err
	}
	switch kind {
	case kindClaim:
		c, err := decodeClaim(d)
		return func() { l.claim(c, at) }, err
	case kindSight:
		s, err := decodeSight(d)
		return func() { l.sight(s, at.now) }, err
	case kindLife:
		s, err := decodeLife(d)
		return func() { l.life(s, at.said) }, err
	case kindPulse:
		p, err := decodePulse(d)
		return func() { l.pulse(p, at.said) }, err
	}
	return nil, fmt.Errorf("%w: its kind is %q", errStatement, kind)
}

func (l *Ledger) account(of accountOf) *account {
	a := l.accounts[of]
	if a == nil {
		a = newAccount(l.clustersOf(of.Topic))
		l.accounts[of] = a
	}
	return a
}

func (l *Ledger) log(of partitionOf) *partitionLog {
	p := l.logs[of]
	if p == nil {
		p = &partitionLog{clusters: l.clustersOf(of.topic)}
		l.logs[of] = p
	}
	return p
}

func (l *Ledger) clustersOf(topic string) *clusters {
	c := l.clusters[topic]
	if c == nil {
		c = &clusters{named: make(map[string]bool)}
		l.clusters[topic] = c
	}
	return c
}

func (l *Ledger) claim(c *claim, at hearing) {
	stream := c.stream()
	l.names[stream.Instance] = c.instance
	if c.bucket < l.oldest {
		return
	}
	for i := range c.runs {
		l.clustersOf(c.topic).learn(c.runs[i].fate.cluster, false)
	}
	a := l.account(accountOf{stream, c.bucket})
	a.touched, a.fresh = later(a.touched, at.now), a.fresh || !at.old
	a.claim(c, func(r run) {
		if r.offset == noOffset {
			l.byTime = append(l.byTime, timed{run: r, topic: c.topic, account: a,
				since: at.now})
			return
		}
		l.log(partitionOf{c.topic, r.partition}).await(awaited{r, a})
	})
}

func (l *Ledger) sight(s *sight, now time.Time) {
	log := l.log(partitionOf{s.topic, s.partition})
	log.clusters.learn(s.cluster, true)
	g := log.generation(s.generation)
	if s.log != (logID{}) {
		g.log = s.log
	}
	all, skipped := span{s.from, s.upto}, spans(nil)
	for _, r := range s.skipped {
		skipped.add(r)
		g.skipped.add(r)
	}
	var fresh []span // what another has skipped is fresh, too
	for _, part := range skipped.outside(all) {
		fresh = append(fresh, g.read.add(part)...)
	}
	log.count(s)
	for i := range s.runs {
		for _, part := range fresh {
			l.seeRun(s, &s.runs[i], part, now)
		}
	}
	for _, r := range s.swaps {
		if r.bucket < l.oldest {
			continue
		}
		a := l.account(s.accountOf(&r))
		a.swapped.add(r.first, r.first+r.n)
		a.changed()
	}
	if passed := g.passed.add(all); len(passed) > 0 {
		log.advance(passed)
	}
}

// accountOf returns which account a run of the sight belongs to.
func (s *sight) accountOf(r *sighting) accountOf {
	o := s.streams[r.origin]
	return accountOf{Stream{o.instance, o.run, s.topic}, r.bucket}
}

// seeRun notes what of a run is at offsets that nobody told of before.
func (l *Ledger) seeRun(s *sight, r *sighting, fresh span, now time.Time) {
	from, upto := max(r.offset, fresh.from), min(r.offset+int64(r.n), fresh.upto)
	if from >= upto || r.bucket < l.oldest {
		return
	}
	first, n := r.first+uint64(from-r.offset), uint64(upto-from)
	a := l.account(s.accountOf(r))
	a.see(first, n, s.generation)
	a.touched = later(a.touched, now)
}

func (l *Ledger) life(s *life, said time.Time) {
	l.names[IDOf(s.instance)] = s.instance
	of := sourceOf{s.instance, s.run}
	p := l.sources[of]
	if p == nil {
		p = new(presence)
		l.sources[of] = p
	}
	p.heard, p.interval, p.started = later(p.heard, said), s.interval, s.started
	p.ended, p.unstated = p.ended || s.ended, max(p.unstated, s.unstated)
}

func (l *Ledger) pulse(s *pulse, said time.Time) {
	p := l.readers[s.reader]
	if p == nil {
		p = new(presence)
		l.readers[s.reader] = p
	}
	p.heard, p.interval, p.ended = later(p.heard, said), s.interval, p.ended || s.ended
	for _, at := range s.positions {
		l.tended[at.topic] = later(l.tended[at.topic], said.Add(silence(s.interval)))
		l.counts[at.topic] = max(l.counts[at.topic], at.partitions)
		if log := l.log(partitionOf{at.topic, at.partition}); at.high >= 0 && at.next >= at.high {
			log.caughtUp = later(log.caughtUp, said)
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Judge decides what time decides: call it about once a second. now is the clock that Add gets.
// With all, everything that was stated has been added, and nothing is on its way; records whose
// offset nobody knows stay open all the same, unless Ends shows that readers have read all.
func (l *Ledger) Judge(now time.Time, all bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := l.byTime[:0]
	for _, t := range l.byTime {
		switch {
		case l.clustersOf(t.topic).elsewhere(&t.run):
			t.account.decided(&t.run)
		case all && l.readToEnds(t.topic), l.allPast(t.topic, t.since.Add(Grace)):
			t.account.decide(&t.run, false)
		default:
			kept = append(kept, t)
		}
	}
	clear(l.byTime[len(kept):])
	l.byTime = kept
	grace := Grace
	if all {
		grace = 0
	}
	for _, a := range l.accounts {
		for range turns + 1 {
			a.turn(now, grace)
		}
		a.compact()
	}
}

// allPast reports whether readers were at the end of each partition of topic at a time or later. It
// is not known before a reader has said how many there are.
func (l *Ledger) allPast(topic string, at time.Time) bool {
	n := l.counts[topic]
	for i := range n {
		if log := l.logs[partitionOf{topic, i}]; log == nil || log.caughtUp.Before(at) {
			return false
		}
	}
	return n > 0
}

// resumption is where a reader goes on in a partition.
type resumption struct {
	generation uint32
	log        logID
	next       int64 // the offset after what was read without a gap
	known      bool  // somebody has read some of it
}

// resume returns where a reader goes on in a partition.
func (l *Ledger) resume(of partitionOf) (r resumption) {
	l.mu.Lock()
	defer l.mu.Unlock()
	log := l.logs[of]
	if log == nil || log.newest() == nil {
		return r
	}
	g := log.newest()
	r.generation, r.log = g.number, g.log
	r.next, r.known = g.passed.end()
	return r
}

// Forget drops the accounts of buckets before one, and who was not heard of since then. What is
// said about these buckets later changes nothing: the rest of it is not known any more.
func (l *Ledger) Forget(before Bucket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if before <= l.oldest {
		return
	}
	l.oldest = before
	for of, a := range l.accounts {
		if of.bucket < before {
			a.forgotten = true
			delete(l.accounts, of)
		}
	}
	old := before.Start()
	maps.DeleteFunc(l.sources, func(_ sourceOf, p *presence) bool { return p.heard.Before(old) })
	var gone []string
	for name, p := range l.readers {
		if p.heard.Before(old) {
			delete(l.readers, name)
			gone = append(gone, name)
		}
	}
	l.byTime = slices.DeleteFunc(l.byTime, func(t timed) bool { return t.account.forgotten })
	for _, log := range l.logs {
		log.waiting.drop(func(a *account) bool { return a.forgotten })
		for _, name := range gone {
			delete(log.counted, name)
		}
	}
}

// name returns the name of an instance, or its ID if it has stated nothing.
func (l *Ledger) name(id InstanceID) string {
	if name, ok := l.names[id]; ok {
		return name
	}
	return fmt.Sprintf("%016x", uint64(id))
}
