package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/producer"
)

// honest is a producer that does everything right, and what it has done, for tests to spoil.
type honest struct {
	ledger  *Ledger
	sent    []producer.Record
	refuse  bool
	reports []producer.Report
	log     []*kgo.Record
	books   producer.Books
}

func (h *honest) send(rec producer.Record) error {
	h.sent = append(h.sent, rec)
	if h.refuse {
		return producer.ErrBufferFull
	}
	if rec.Timestamp.IsZero() {
		rec.Timestamp = time.Now()
	}
	rec.Timestamp = rec.Timestamp.Truncate(time.Millisecond)
	h.books.Accepted++
	h.books.Delivered++
	r := &kgo.Record{Topic: rec.Topic, Partition: 2, Offset: int64(len(h.log)), Key: rec.Key,
		Value: rec.Value, Timestamp: rec.Timestamp}
	for _, header := range rec.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader(header))
	}
	h.log = append(h.log, r)
	h.reports = append(h.reports, producer.Report{Tag: rec.Tag, Outcome: producer.Delivered,
		Topic: rec.Topic, Partition: 2, Offset: r.Offset})
	return nil
}

// lose makes the last record one that was not delivered.
func (h *honest) lose(outcome producer.Outcome) {
	rec := h.sent[len(h.sent)-1]
	if rec.Timestamp.IsZero() {
		rec.Timestamp = time.Now()
	}
	last := &h.reports[len(h.reports)-1]
	last.Outcome, last.Record = outcome, &rec
	h.log = h.log[:len(h.log)-1]
	h.books.Delivered--
	switch outcome {
	case producer.Expired:
		h.books.Expired++
	case producer.PossiblyPersisted:
		h.books.PossiblyPersisted++
	}
}

// double puts a record into the log once more.
func (h *honest) double(i int) {
	again := *h.log[i]
	again.Offset = int64(len(h.log))
	h.log = append(h.log, &again)
}

// load sends ten records of every kind; keyed ones of one key.
func load() *honest {
	h := &honest{ledger: New()}
	for i := range 10 {
		rec := producer.Record{Topic: "events", Value: bytes.Repeat([]byte{byte(i)}, 7*i),
			Headers: []producer.Header{{Key: "null"}, {Key: "b", Value: []byte("c")}}}
		if i%2 == 0 {
			rec.Key = []byte("key")
		}
		if i%3 == 0 {
			rec.Timestamp = time.Now().Add(-time.Hour)
		}
		if i == 9 {
			rec.Partition = producer.ToPartition(2)
		}
		_ = h.ledger.send(h.send, rec)
	}
	return h
}

// judge hands everything to the ledger.
func (h *honest) judge() []string {
	for _, r := range h.reports {
		h.ledger.Report(r)
	}
	for half := range slices.Chunk(h.log, 4) { // in several calls, as a reader that follows the log
		h.ledger.Read(half...)
		h.ledger.Ordered(half)
	}
	return h.ledger.Check(h.books)
}

func TestEntry_Is48Bytes(t *testing.T) { require.EqualValues(t, 48, unsafe.Sizeof(entry{})) }

func TestLedger_FindsNothingWhereNothingIsWrong(t *testing.T) {
	for name, change := range map[string]func(h *honest){
		"all delivered":      func(*honest) {},
		"offset not known":   func(h *honest) { h.reports[3].Offset = -1 },
		"expired":            func(h *honest) { h.lose(producer.Expired) },
		"possibly persisted": func(h *honest) { h.lose(producer.PossiblyPersisted) },
		"possibly persisted and there": func(h *honest) {
			last := h.log[9]
			h.lose(producer.PossiblyPersisted)
			h.log = append(h.log, last)
		},
		"counted duplicate": func(h *honest) {
			h.double(4)
			h.reports[4].MaybeDuplicated = true
			h.books.MaybeDuplicated++
		},
		"delivered to its second place": func(h *honest) {
			h.double(4)
			h.reports[4].MaybeDuplicated, h.reports[4].Offset = true, 10
			h.books.MaybeDuplicated++
		},
		"refused": func(h *honest) {
			h.refuse = true
			_ = h.ledger.send(h.send, producer.Record{Topic: "events"})
		},
		"stamped just now": func(h *honest) { h.log[1].Timestamp = h.log[1].Timestamp.Add(-10 * time.Millisecond) },
	} {
		t.Run(name, func(t *testing.T) {
			h := load()
			change(h)
			require.Empty(t, h.judge())
			tally := h.ledger.Tally()
			require.EqualValues(t, len(h.sent), tally.Attempted)
			require.Equal(t, h.books.Delivered, tally.Outcomes[producer.Delivered])
			require.GreaterOrEqual(t, tally.Compared, uint64(4))
		})
	}
}

func TestLedger_FindsEachViolation(t *testing.T) {
	for name, spoil := range map[string]struct {
		do   func(h *honest)
		says string
	}{
		"delivered and not in the log": {func(h *honest) { h.log = h.log[:9] },
			"record 9 was delivered to 2@9 and is not there"},
		"delivered to another offset": {func(h *honest) { h.reports[5].Offset = 77 },
			"record 5 was delivered to 2@77 and is not there"},
		"delivered to another partition": {func(h *honest) { h.reports[5].Partition = 1 },
			"record 5 was delivered to 1@5 and is not there"},
		"expired and in the log": {func(h *honest) {
			last := h.log[9]
			h.lose(producer.Expired)
			h.log = append(h.log, last)
		}, "record 9 was expired"},
		"duplicate not counted": {func(h *honest) { h.double(4) },
			"record 4 was not reported as maybe duplicated"},
		"another value": {func(h *honest) {
			h.log[5].Value = bytes.Clone(h.log[5].Value)
			h.log[5].Value[20]++
		}, "events/2@5 is not as sent"},
		"the value of another": {func(h *honest) { h.log[5].Value = h.log[4].Value },
			"record 4 of events was read changed"},
		"shorter value": {func(h *honest) { h.log[5].Value = h.log[5].Value[:5] },
			"events/2@5 is not as sent"},
		"header lost": {func(h *honest) { h.log[5].Headers = h.log[5].Headers[:1] },
			"record 5 of events was read changed"},
		"header empty instead of null": {func(h *honest) { h.log[5].Headers[0].Value = []byte{} },
			"record 5 of events was read changed"},
		"key changed": {func(h *honest) { h.log[4].Key = []byte("kez") },
			"record 4 of events was read changed"},
		"key empty instead of null": {func(h *honest) { h.log[5].Key = []byte{} },
			"record 5 of events was read changed"},
		"another topic": {func(h *honest) { h.log[5].Topic = "else" },
			"record 5 of events was read changed"},
		"time changed": {func(h *honest) { h.log[3].Timestamp = h.log[3].Timestamp.Add(time.Millisecond) }, "record 3 of events was read changed"},
		"stamped too early": {func(h *honest) { h.log[1].Timestamp = time.Now().Add(-2 * stale) },
			"record 1 of events was read with a time"},
		"stamped too late": {func(h *honest) { h.log[1].Timestamp = time.Now().Add(time.Second) },
			"record 1 of events was read with a time"},
		"in another partition than asked for": {func(h *honest) { h.log[9].Partition = 1 },
			"record 9 for partition 2 stands in events/1@9"},
		"order broken": {func(h *honest) {
			h.log[2].Value, h.log[4].Value = h.log[4].Value, h.log[2].Value
		}, "record 2 stands after 4 in events/2@4"},
		"two reports": {func(h *honest) {
			h.reports = append(h.reports, h.reports[3])
		}, "record 3 of events has 2 reports"},
		"no report": {func(h *honest) { h.reports = h.reports[:9] },
			"record 9 of events has 0 reports"},
		"a report of none": {func(h *honest) { h.reports[3].Tag = 99 },
			"a report of a record that was never sent: 99"},
		"a report of another topic": {func(h *honest) { h.reports[3].Topic = "else" },
			"record 3 of events was reported for else"},
		"a record of nobody": {func(h *honest) {
			value := make([]byte, identity)
			identify(value, 99)
			h.log[3].Value = value
		}, "events/2@3 was never sent"},
		"refused and in the log": {func(h *honest) {
			h.refuse = true
			_ = h.ledger.send(h.send, producer.Record{Topic: "events"})
			h.log = append(h.log, &kgo.Record{Topic: "events", Value: h.sent[10].Value,
				Timestamp: time.Now()})
		}, "record 10 was refused, and has 0 reports and stands in the log"},
		"lost and not given back": {func(h *honest) { h.lose(producer.Expired); h.reports[9].Record = nil }, "record 9 was expired and did not come back"},
		"lost and given back changed": {func(h *honest) {
			h.lose(producer.Expired)
			h.reports[9].Record.Headers = nil
		}, "record 9 of events came back from the producer changed"},
		"lost and given back for another partition": {func(h *honest) {
			h.lose(producer.Expired)
			h.reports[9].Record.Partition = producer.ToPartition(1)
		}, "record 9 came back from the producer with tag 9 and partition 1"},
		"pending in the books": {func(h *honest) { h.books.Delivered--; h.books.Pending++ },
			"the books do not balance"},
		"more accepted than sent": {func(h *honest) { h.books.Accepted++; h.books.Delivered++ },
			"10 were accepted, the books have 11"},
		"duplicate not in the books": {func(h *honest) {
			h.double(4)
			h.reports[4].MaybeDuplicated = true
		}, "1 were maybe duplicated, the books have 0"},
	} {
		t.Run(name, func(t *testing.T) {
			h := load()
			spoil.do(h)
			problems := h.judge()
			require.NotEmpty(t, problems)
			require.Contains(t, fmt.Sprint(problems), spoil.says)
			require.Positive(t, h.ledger.Tally().Violations)
		})
	}
}

func TestLedger_CountsWhatItDoesNotTell(t *testing.T) {
	l := New()
	for i := range uint64(100) {
		l.Report(producer.Report{Tag: i})
	}
	problems := l.Check(producer.Books{})
	require.Len(t, problems, told+1)
	require.Equal(t, "and 80 more", problems[told])
	require.EqualValues(t, 100, l.Tally().Violations)
}

func TestLedger_GrowsOverItsChunks(t *testing.T) {
	l := New()
	refused := errors.New("no")
	for i := range 3*chunkEntries + 1 {
		require.ErrorIs(t, l.send(func(rec producer.Record) error {
			require.EqualValues(t, i, rec.Tag)
			return refused
		}, producer.Record{Topic: "events"}), refused)
	}
	require.Empty(t, l.Check(producer.Books{}))
	require.EqualValues(t, 3*chunkEntries+1, l.Tally().Attempted)
	require.Zero(t, l.Accepted())
}
