// Package ledger judges a producer. It keeps its own list of what was sent and reported, and
// compares it with what is in Kafka's log, as a client that is not ours reads it.
package ledger

import (
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/proof"
)

const (
	// stale is how old the time may be that the producer stamps a record with. Its clock ticks
	// every millisecond, but only when it gets a processor: 0.4 s were seen on a busy machine.
	stale = 5 * time.Second
	// told is how many violations are told in words; the rest is counted.
	told = 20
)

// Ledger is safe for concurrent use. A record takes it 48 bytes.
type Ledger struct {
	seed  maphash.Seed
	birth time.Time

	anyTime bool // what the producer stamps records with is not checked

	mu      sync.Mutex // guards what follows
	entries entries
	topics  []string
	numbers map[string]uint16  // of topics
	again   map[uint64][]place // where records stand beside their first place, by tag
	// where records stood before the brokers may have lost them, by tag
	stood      map[uint64][]place
	last       map[line]*uint64 // the tag that was seen last
	accepted   uint64
	longest    time.Duration
	read       uint64 // records of the log
	compared   uint64 // keyed records whose order was checked
	gone       uint64 // records that the brokers lost; set by Check
	disordered uint64 // of those, the ones that stand after a later one
	stalest    time.Duration
	problems   []string
	violations uint64 // of which problems are the first
}

// place is a place in the log of a topic.
type place struct {
	partition int32
	offset    int64
}

// line is where records have an order: those of a key, in a partition.
type line struct {
	topic     uint16
	partition int32
	key       string
}

// New returns an empty ledger.
func New() *Ledger {
	return &Ledger{
		seed: maphash.MakeSeed(), birth: time.Now(),
		numbers: make(map[string]uint16), again: make(map[uint64][]place),
		stood: make(map[uint64][]place), last: make(map[line]*uint64),
	}
}

// AllowAnyTime has the time not checked that the producer stamps records with: the test moves the
// clock. Call it first.
func (l *Ledger) AllowAnyTime() { l.anyTime = true }

// Send gives rec an identity, as its tag and at the beginning of its value, which grows to at least
// 12 bytes, and sends it.
func (l *Ledger) Send(p *producer.Producer, rec producer.Record) error {
	return l.send(p.Send, rec)
}

// SendBy is Send by a function that does more than a producer's Send, such as to measure it.
func (l *Ledger) SendBy(send func(producer.Record) error, rec producer.Record) error {
	return l.send(send, rec)
}

func (l *Ledger) send(send func(producer.Record) error, rec producer.Record) error {
	value := make([]byte, max(identity, len(rec.Value)))
	copy(value[identity:], rec.Value[min(identity, len(rec.Value)):])
	e := entry{size: uint32(len(value)), offset: -1}
	if !rec.Timestamp.IsZero() {
		e.flags |= stamped
	}
	if n, chosen := rec.Partition.Number(); chosen {
		e.flags |= explicit
		e.partition = n
	}
	c := sentContent(&rec)
	e.sum = c.digest(l.seed, e.is(stamped))
	e.before = l.millis(time.Now())

	l.mu.Lock()
	e.topic = l.topicLocked(rec.Topic)
	rec.Tag = l.entries.add(e)
	l.mu.Unlock()
	identify(value, rec.Tag)
	rec.Value = value

	begin := time.Now()
	err := send(rec)
	took := time.Since(begin)
	// by the wall clock, which begin may have read long before the other: they are two readings
	end := l.millis(time.Now())

	l.mu.Lock()
	defer l.mu.Unlock()
	l.longest = max(l.longest, took)
	kept := l.entries.at(rec.Tag)
	kept.took = uint16(min(end-e.before, math.MaxUint16))
	kept.flags |= returned
	if err == nil {
		l.accepted++
		kept.flags |= accepted
	}
	return err
}

func (l *Ledger) millis(t time.Time) uint32 { return uint32(t.UnixMilli() - l.birth.UnixMilli()) }

func (l *Ledger) topicLocked(name string) uint16 {
	n, ok := l.numbers[name]
	if !ok {
		if len(l.topics) > math.MaxUint16 {
			panic("ledger: more topics than it can tell apart")
		}
		n = uint16(len(l.topics))
		l.topics = append(l.topics, name)
		l.numbers[name] = n
	}
	return n
}

// Report is the callback for producer.WithDelivery.
func (l *Ledger) Report(r producer.Report) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entries.at(r.Tag)
	if e == nil {
		l.problemLocked("a report of a record that was never sent: %d", r.Tag)
		return
	}
	if r.Topic != l.topics[e.topic] {
		l.problemLocked("record %d of %s was reported for %s", r.Tag, l.topics[e.topic], r.Topic)
	}
	switch {
	case r.Outcome == producer.Delivered:
		if e.is(explicit) && r.Partition != e.partition {
			l.problemLocked("record %d for partition %d of %s was delivered to %d", r.Tag,
				e.partition, r.Topic, r.Partition)
		}
		e.partition, e.offset = r.Partition, r.Offset
	case r.Reason.MadeRoom():
		if r.Record != nil {
			l.problemLocked("record %d was given up for its memory (%v) and came back all the same",
				r.Tag, r.Reason)
		}
	case r.Record == nil:
		l.problemLocked("record %d was %v and did not come back", r.Tag, r.Outcome)
	default:
		l.returnedLocked(r.Tag, e, r.Record)
	}
	e.outcome, e.reason = r.Outcome, r.Reason
	if e.reports < math.MaxUint8 {
		e.reports++
	}
	if r.MaybeDuplicated {
		e.flags |= maybeTwice
	}
}

// returnedLocked checks that the report of a lost record carries what was sent.
func (l *Ledger) returnedLocked(tag uint64, e *entry, r *producer.Record) {
	l.sameLocked("came back from the producer", tag, e, sentContent(r), r.Value)
	if n, chosen := r.Partition.Number(); r.Tag != tag || e.is(explicit) != chosen ||
		e.is(explicit) && n != e.partition {
		l.problemLocked("record %d came back from the producer with tag %d and partition %v", tag,
			r.Tag, r.Partition)
	}
}

// Read notes records of the log, which must come in the order of each partition.
func (l *Ledger) Read(records ...*kgo.Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range records {
		l.readLocked(r)
	}
}

func (l *Ledger) readLocked(r *kgo.Record) {
	tag, e := l.knownLocked(r)
	if e == nil {
		return
	}
	l.read++
	if e.is(found) {
		l.again[tag] = append(l.again[tag], place{r.Partition, r.Offset})
	} else {
		e.flags |= found
		e.readIn, e.read = r.Partition, r.Offset
	}
	if e.is(explicit) && e.partition != r.Partition {
		l.problemLocked("record %d for partition %d stands in %s/%d@%d", tag, e.partition, r.Topic,
			r.Partition, r.Offset)
	}
}

// knownLocked returns the tag and the entry of a record of the log, and checks that it is as it was
// sent.
func (l *Ledger) knownLocked(r *kgo.Record) (uint64, *entry) {
	tag, whole := identified(r.Value)
	if !whole {
		l.problemLocked("%s/%d@%d is not as sent", r.Topic, r.Partition, r.Offset)
		return 0, nil
	}
	e := l.entries.at(tag)
	if e == nil {
		l.problemLocked("%s/%d@%d was never sent", r.Topic, r.Partition, r.Offset)
		return 0, nil
	}
	l.sameLocked("was read", tag, e, readContent(r), r.Value)
	return tag, e
}

// Witness notes records of a log that brokers are about to lose, in an unclean election or with
// their topic. What was delivered, stood where its report says, and is missing in the end, is their
// loss and not the producer's.
func (l *Ledger) Witness(records ...*kgo.Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range records {
		if tag, e := l.knownLocked(r); e != nil {
			l.stood[tag] = append(l.stood[tag], place{r.Partition, r.Offset})
		}
	}
}

// Gone notes that a topic was deleted: what was delivered to it by now, by the reports, went with
// it.
func (l *Ledger) Gone(topic string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	number, known := l.numbers[topic]
	for tag := range l.entries.n {
		if e := l.entries.at(tag); known && e.topic == number && e.reports == 1 &&
			e.outcome == producer.Delivered {
			l.stood[tag] = append(l.stood[tag], place{e.partition, e.offset})
		}
	}
}

// LostByBrokers returns how many records were delivered, noted by Witness or Gone, and are not in
// the log any more. Call it after Check.
func (l *Ledger) LostByBrokers() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gone
}

// sameLocked checks that a record is as it was sent.
func (l *Ledger) sameLocked(how string, tag uint64, e *entry, c content, value []byte) {
	inside, whole := identified(value)
	switch {
	case !whole || inside != tag || uint32(len(value)) != e.size:
		l.problemLocked("record %d of %s %s with another value, of %d bytes", tag,
			l.topics[e.topic], how, len(value))
	case c.digest(l.seed, e.is(stamped)) != e.sum:
		l.problemLocked("record %d of %s %s changed: topic %s, key %q, %d headers, time %v", tag,
			l.topics[e.topic], how,
			c.topic, c.key, len(c.headers), c.at)
	case !e.is(stamped) && !l.anyTime:
		l.timeLocked(how, tag, e, c.at)
	}
}

// timeLocked checks the time that the producer stamped a record with.
func (l *Ledger) timeLocked(how string, tag uint64, e *entry, at time.Time) {
	before := l.birth.Add(time.Duration(e.before) * time.Millisecond)
	after := time.Now() // Send may not have returned, or taken longer than was noted
	if e.is(returned) && e.took < math.MaxUint16 {
		after = before.Add(time.Duration(e.took) * time.Millisecond)
	}
	early := time.Duration(before.UnixMilli()-at.UnixMilli()) * time.Millisecond
	l.stalest = max(l.stalest, early)
	if early > stale || at.UnixMilli() > after.UnixMilli()+1 {
		l.problemLocked("record %d of %s %s with a time of %v, and was sent between %v and %v", tag,
			l.topics[e.topic], how,
			at.UnixMilli(), before.UnixMilli(), after.UnixMilli())
	}
}

// Ordered checks that the records of each key stand in each partition in the order in which they
// were sent, as one goroutine does it. A record that is there twice counts where it is first. The
// next call goes on where this one ends.
func (l *Ledger) Ordered(records []*kgo.Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range records {
		tag, whole := identified(r.Value)
		e := l.entries.at(tag)
		if r.Key == nil || !whole || e == nil || e.is(ordered) {
			continue
		}
		e.flags |= ordered
		l.compared++
		last := l.last[line{e.topic, r.Partition, string(r.Key)}]
		if last == nil {
			last = new(uint64)
			l.last[line{e.topic, r.Partition, string(r.Key)}] = last
		}
		if *last > tag {
			l.disordered++
			l.problemLocked("key %q: record %d stands after %d in %s/%d@%d", r.Key, tag, *last,
				r.Topic, r.Partition, r.Offset)
		}
		*last = tag
	}
}

func (l *Ledger) problemLocked(format string, args ...any) {
	l.violations++
	if len(l.problems) < told {
		l.problems = append(l.problems, fmt.Sprintf(format, args...))
	}
}

// Check returns everything that is wrong with the outcomes, by the books that the producer kept.
// Call it once, after Close and Read.
func (l *Ledger) Check(books producer.Books) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone = 0
	for tag := range l.entries.n {
		l.checkLocked(tag, l.entries.at(tag))
	}
	l.checkBooksLocked(&books)
	if n := l.violations - uint64(len(l.problems)); n > 0 {
		return append(slices.Clone(l.problems), fmt.Sprintf("and %d more", n))
	}
	return l.problems
}

func (l *Ledger) checkLocked(tag uint64, e *entry) {
	missing := e.outcome == producer.Delivered && !e.standsAt(l.allLocked(tag, e))
	switch {
	case !e.is(accepted) && (e.reports > 0 || e.is(found)):
		l.problemLocked("record %d was refused, and has %d reports and stands in the log at %s",
			tag, e.reports, l.placesLocked(tag, e))
	case !e.is(accepted):
	case e.reports != 1:
		l.problemLocked("record %d of %s has %d reports, and stands in the log at %s", tag,
			l.topics[e.topic], e.reports, l.placesLocked(tag, e))
	case missing && e.standsAt(l.stood[tag]):
		l.gone++
		if e.is(found) && !e.is(maybeTwice) {
			l.problemLocked("record %d was lost by the brokers, was not reported as maybe "+
				"duplicated, and stands at %s", tag, l.placesLocked(tag, e))
		}
	case missing:
		l.problemLocked("record %d was delivered to %d@%d and is not there, but at %s", tag,
			e.partition, e.offset, l.placesLocked(tag, e))
	case e.outcome != producer.Delivered && e.outcome != producer.PossiblyPersisted && e.is(found):
		l.problemLocked("record %d was %v (%v) and is in the log at %s", tag, e.outcome, e.reason,
			l.placesLocked(tag, e))
	case len(l.again[tag]) > 0 && !e.is(maybeTwice):
		l.problemLocked("record %d was not reported as maybe duplicated, and stands in the log "+
			"at %s", tag, l.placesLocked(tag, e))
	}
}

// standsAt reports whether one of places is where the report of e says it is, which may not know
// the offset.
func (e *entry) standsAt(places []place) bool {
	return slices.ContainsFunc(places, func(p place) bool {
		return p.partition == e.partition && (e.offset < 0 || p.offset == e.offset)
	})
}

// allLocked returns where e stands in the log.
func (l *Ledger) allLocked(tag uint64, e *entry) []place {
	if !e.is(found) {
		return nil
	}
	return append([]place{{e.readIn, e.read}}, l.again[tag]...)
}

func (l *Ledger) placesLocked(tag uint64, e *entry) string {
	text := l.topics[e.topic] + ":"
	for _, p := range l.allLocked(tag, e) {
		text += fmt.Sprintf(" %d@%d", p.partition, p.offset)
	}
	return text
}

// checkBooksLocked compares what the producer counted with what it reported, which the ledger
// counted.
func (l *Ledger) checkBooksLocked(books *producer.Books) {
	if !books.Balanced() || books.Pending != 0 {
		l.problemLocked("the books do not balance: %+v", *books)
	}
	t := l.tallyLocked()
	for _, c := range []struct {
		what          string
		counted, book uint64
	}{
		{"accepted", t.Accepted, books.Accepted},
		{"delivered", t.Outcomes[producer.Delivered], books.Delivered},
		{"shed", t.Outcomes[producer.Shed], books.Shed},
		{"expired", t.Outcomes[producer.Expired], books.Expired},
		{"rejected", t.Outcomes[producer.Rejected], books.Rejected},
		{"possibly persisted", t.Outcomes[producer.PossiblyPersisted], books.PossiblyPersisted},
		{"maybe duplicated", t.MaybeDuplicated, books.MaybeDuplicated},
	} {
		if c.counted != c.book {
			l.problemLocked("%d were %s, the books have %d", c.counted, c.what, c.book)
		}
	}
}

// Tally is what a ledger has counted.
type Tally struct {
	Attempted       uint64 // calls of Send
	Accepted        uint64
	Outcomes        map[producer.Outcome]uint64 // by reports
	MaybeDuplicated uint64                      // by reports
	Read            uint64                      // records of the log
	Twice           uint64                      // records that stand in the log more than once
	Compared        uint64                      // keyed records whose order was checked
	Disordered      uint64                      // of those, the ones that stand after a later one
	Violations      uint64                      // found so far
	LongestSend     time.Duration
	// how long before the call of Send is the time that the producer stamped a record with, at most
	StalestTime time.Duration
}

// Tally returns what was counted so far.
func (l *Ledger) Tally() Tally {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tallyLocked()
}

func (l *Ledger) tallyLocked() Tally {
	t := Tally{
		Attempted: l.entries.n, Accepted: l.accepted, Outcomes: make(map[producer.Outcome]uint64),
		Read:  l.read,
		Twice: uint64(len(l.again)), Compared: l.compared, Disordered: l.disordered,
		Violations:  l.violations,
		LongestSend: l.longest, StalestTime: l.stalest,
	}
	var outcomes [math.MaxUint8 + 1]uint64
	for _, chunk := range l.entries.chunks {
		for i := range chunk {
			e := &chunk[i]
			if e.reports > 0 {
				outcomes[e.outcome]++
			}
			if e.is(maybeTwice) {
				t.MaybeDuplicated++
			}
		}
	}
	for outcome, n := range outcomes {
		if n > 0 {
			t.Outcomes[producer.Outcome(outcome)] = n
		}
	}
	return t
}

// Accepted returns how many calls of Send accepted their record.
func (l *Ledger) Accepted() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.accepted
}

// LongestSend returns the longest that a call of Send took.
func (l *Ledger) LongestSend() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.longest
}

// Outcomes counts the reports by outcome.
func (l *Ledger) Outcomes() map[producer.Outcome]uint64 { return l.Tally().Outcomes }

// Prove notes in c what Check has looked at. Call it when Check has found nothing wrong.
func (l *Ledger) Prove(c *proof.Case) {
	t := l.Tally()
	delivered := t.Outcomes[producer.Delivered]
	for invariant, checks := range map[string]uint64{
		"I3": t.Attempted, "I4": t.Accepted, "I5": delivered - l.LostByBrokers(),
		"I6": t.Accepted - delivered, "I7": t.Read, "I8": t.Compared, "I9": t.Read,
	} {
		if checks > 0 {
			c.Held(invariant, checks)
		}
	}
	if gone := l.LostByBrokers(); gone > 0 {
		c.Figure("lost by the brokers after they had acknowledged them", "%d", gone)
	}
	c.Figure("longest Send", "%v", t.LongestSend.Round(time.Microsecond))
}
