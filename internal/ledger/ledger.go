// Package ledger judges a producer. It keeps its own list of what was sent and reported, and compares it with what is in
// Kafka's log, as a client that is not ours reads it.
package ledger

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/producer"
)

// Ledger is safe for concurrent use.
type Ledger struct {
	mu       sync.Mutex // guards what follows
	entries  []entry    // by tag
	accepted uint64
	refused  map[error]uint64
	longest  time.Duration
	problems []string
}

// entry is one call of Send.
type entry struct {
	topic    string
	key      string
	keyed    bool
	size     int
	accepted bool
	reports  int
	last     producer.Report
	places   []place // where it stands in the log
}

// place is a place in the log of a topic.
type place struct {
	partition int32
	offset    int64
}

// New returns an empty ledger.
func New() *Ledger { return &Ledger{refused: make(map[error]uint64)} }

// identity is what the value of a record begins with: its tag and a checksum of all that follows.
const identity = 12

// Send gives rec an identity, as its tag and at the beginning of its value, which grows to at least 12 bytes, and sends it.
func (l *Ledger) Send(p *producer.Producer, rec producer.Record) error {
	l.mu.Lock()
	rec.Tag = uint64(len(l.entries))
	value := make([]byte, max(identity, len(rec.Value)))
	copy(value[identity:], rec.Value[min(identity, len(rec.Value)):])
	binary.BigEndian.PutUint64(value, rec.Tag)
	binary.BigEndian.PutUint32(value[8:], crc32.ChecksumIEEE(value[identity:]))
	rec.Value = value
	l.entries = append(l.entries, entry{topic: rec.Topic, key: string(rec.Key), keyed: rec.Key != nil, size: len(value)})
	l.mu.Unlock()

	begin := time.Now()
	err := p.Send(rec)
	took := time.Since(begin)

	l.mu.Lock()
	defer l.mu.Unlock()
	l.longest = max(l.longest, took)
	if err == nil {
		l.accepted++
		l.entries[rec.Tag].accepted = true
	}
	return err
}

// Report is the callback for producer.WithDelivery.
func (l *Ledger) Report(r producer.Report) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Tag >= uint64(len(l.entries)) {
		l.problemLocked("a report of a record that was never sent: %d", r.Tag)
		return
	}
	e := &l.entries[r.Tag]
	e.reports++
	e.last = r
	if r.Topic != e.topic {
		l.problemLocked("record %d of %s was reported for %s", r.Tag, e.topic, r.Topic)
	}
	if r.Outcome != producer.Delivered && (r.Record == nil || len(r.Record.Value) != e.size) {
		l.problemLocked("record %d came back changed", r.Tag)
	}
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
func (l *Ledger) Outcomes() map[producer.Outcome]uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := make(map[producer.Outcome]uint64)
	for i := range l.entries {
		if l.entries[i].reports > 0 {
			found[l.entries[i].last.Outcome]++
		}
	}
	return found
}

func (l *Ledger) problemLocked(format string, args ...any) {
	if len(l.problems) < 20 {
		l.problems = append(l.problems, fmt.Sprintf(format, args...))
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
	if len(r.Value) < identity || crc32.ChecksumIEEE(r.Value[identity:]) != binary.BigEndian.Uint32(r.Value[8:]) {
		l.problemLocked("%s/%d@%d is not as sent", r.Topic, r.Partition, r.Offset)
		return
	}
	tag := binary.BigEndian.Uint64(r.Value)
	if tag >= uint64(len(l.entries)) {
		l.problemLocked("%s/%d@%d was never sent", r.Topic, r.Partition, r.Offset)
		return
	}
	e := &l.entries[tag]
	e.places = append(e.places, place{r.Partition, r.Offset})
	if e.topic != r.Topic || e.key != string(r.Key) || e.keyed != (r.Key != nil) || e.size != len(r.Value) {
		l.problemLocked("record %d came back changed: %s, key %q, %d bytes", tag, r.Topic, r.Key, len(r.Value))
	}
}

// Ordered checks that the records of each key stand in the log in the order in which they were sent, as one goroutine does
// it. A record that is there twice counts where it is first.
func (l *Ledger) Ordered(records []*kgo.Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := make(map[string]uint64)
	seen := make(map[uint64]bool)
	for _, r := range records {
		if r.Key == nil || len(r.Value) < identity {
			continue
		}
		tag, key := binary.BigEndian.Uint64(r.Value), r.Topic+"/"+string(r.Key)
		if seen[tag] {
			continue
		}
		seen[tag] = true
		if before, ok := last[key]; ok && before > tag {
			l.problemLocked("key %q: record %d stands after %d in %s/%d", r.Key, tag, before, r.Topic, r.Partition)
		}
		last[key] = tag
	}
}

// Check returns everything that is wrong with the outcomes, by the books that the producer kept. Call it after Close and
// Read.
func (l *Ledger) Check(books producer.Books) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	duplicates := uint64(0)
	for tag := range l.entries {
		e := &l.entries[tag]
		l.checkLocked(uint64(tag), e)
		if len(e.places) > 1 {
			duplicates++
		}
	}
	if !books.Balanced() || books.Pending != 0 {
		l.problemLocked("the books do not balance: %+v", books)
	}
	if books.Accepted != l.accepted {
		l.problemLocked("%d were accepted, the books have %d", l.accepted, books.Accepted)
	}
	if duplicates > books.MaybeDuplicated {
		l.problemLocked("%d records are there twice, %d were counted as maybe duplicated", duplicates, books.MaybeDuplicated)
	}
	return l.problems
}

func (l *Ledger) checkLocked(tag uint64, e *entry) {
	read := len(e.places)
	switch {
	case !e.accepted && (e.reports > 0 || read > 0):
		l.problemLocked("record %d was refused, and has %d reports and stands in the log %d times", tag, e.reports, read)
	case !e.accepted:
	case e.reports != 1:
		l.problemLocked("record %d has %d reports", tag, e.reports)
	case e.last.Outcome == producer.Delivered && !e.stands():
		l.problemLocked("record %d was delivered to %s/%d@%d and is not there, but at %v", tag, e.topic, e.last.Partition, e.last.Offset, e.places)
	case e.last.Outcome != producer.Delivered && e.last.Outcome != producer.PossiblyPersisted && read > 0:
		l.problemLocked("record %d was %v (%v) and is in the log", tag, e.last.Outcome, e.last.Reason)
	case read > 1 && !e.last.MaybeDuplicated:
		l.problemLocked("record %d stands in the log %d times and was not reported as maybe duplicated", tag, read)
	}
}

// stands reports whether e is in the log where its report says, which may not know the offset.
func (e *entry) stands() bool {
	return slices.ContainsFunc(e.places, func(p place) bool {
		return p.partition == e.last.Partition && (e.last.Offset < 0 || p.offset == e.last.Offset)
	})
}
