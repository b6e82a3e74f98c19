package producertest

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// T is what the assertions need of a *testing.T.
type T interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Want describes a record. A field that is zero stands for any value.
type Want struct {
	Topic    string
	Key      []byte
	Value    []byte
	Headers  []producer.Header // these are among its headers
	TTL      time.Duration
	Priority routing.Priority
	// Match reports whether a record is as wanted, for all that the other fields cannot say: a nil
	// value, for example. It gets only records that match these.
	Match func(producer.Record) bool
}

// matches reports whether rec is as w says.
func (w *Want) matches(rec *producer.Record) bool {
	return (w.Topic == "" || w.Topic == rec.Topic) &&
		(w.Key == nil || bytes.Equal(w.Key, rec.Key)) &&
		(w.Value == nil || bytes.Equal(w.Value, rec.Value)) &&
		(w.TTL == 0 || w.TTL == rec.TTL) &&
		(w.Priority == routing.Unset || w.Priority == rec.Priority) &&
		w.hasHeaders(rec) && (w.Match == nil || w.Match(*rec))
}

func (w *Want) hasHeaders(rec *producer.Record) bool {
	for _, want := range w.Headers {
		found := false
		for _, h := range rec.Headers {
			found = found || h.Key == want.Key && bytes.Equal(h.Value, want.Value)
		}
		if !found {
			return false
		}
	}
	return true
}

// RequireSent returns the first accepted record that is as want says. If there is none, it fails
// the test and shows what was sent.
func (r *Recorder) RequireSent(t T, want Want) producer.Record {
	t.Helper()
	records := r.Records()
	for i := range records {
		if want.matches(&records[i]) {
			return records[i]
		}
	}
	t.Fatalf("no record was sent with %s%s%s", describe(&producer.Record{Topic: want.Topic,
		Key: want.Key, Value: want.Value, Headers: want.Headers, TTL: want.TTL,
		Priority: want.Priority}),
		matching(want.Match), r.listed(records))
	return producer.Record{}
}

// RequireCount fails the test unless n records were accepted for topic; topic "" stands for all.
func (r *Recorder) RequireCount(t T, topic string, n int) {
	t.Helper()
	all := r.Records()
	found := all
	if topic != "" {
		found = ofTopics(all, []string{topic})
	}
	if len(found) != n {
		to := ""
		if topic != "" {
			to = fmt.Sprintf(" to topic %q", topic)
		}
		t.Fatalf("%d records were sent%s, want %d%s", len(found), to, n, r.listed(all))
	}
}

func matching(match func(producer.Record) bool) string {
	if match == nil {
		return ""
	}
	return " that Match accepts"
}

const (
	listedRecords = 20  // so many records are shown at most
	listedBytes   = 200 // of each key and value
)

// listed shows what was sent, a line for each record, and how many records were refused.
func (r *Recorder) listed(records []producer.Record) string {
	refused := ""
	if n := len(r.Refused()); n > 0 {
		refused = fmt.Sprintf("\nwhat was refused: %d (see Refused)", n)
	}
	if len(records) == 0 {
		return "\nnothing was sent" + refused
	}
	var b strings.Builder
	b.WriteString("\nwhat was sent:")
	for i := range records {
		if i == listedRecords {
			fmt.Fprintf(&b, "\n  and %d more", len(records)-i)
			break
		}
		fmt.Fprintf(&b, "\n  %d: %s", i+1, describe(&records[i]))
	}
	return b.String() + refused
}

// describe shows what a record has.
func describe(rec *producer.Record) string {
	var parts []string
	add := func(name string, value []byte) {
		if value == nil {
			return
		}
		text, more := value, ""
		if len(text) > listedBytes {
			text, more = text[:listedBytes], fmt.Sprintf("… (%d bytes)", len(value))
		}
		parts = append(parts, fmt.Sprintf("%s %q%s", name, text, more))
	}
	if rec.Topic != "" {
		parts = append(parts, fmt.Sprintf("topic %q", rec.Topic))
	}
	add("key", rec.Key)
	add("value", rec.Value)
	for _, h := range rec.Headers {
		add(fmt.Sprintf("header %q:", h.Key), h.Value)
	}
	if rec.TTL != 0 {
		parts = append(parts, "TTL "+rec.TTL.String())
	}
	if rec.Priority != routing.Unset {
		parts = append(parts, "priority "+rec.Priority.String())
	}
	if len(parts) == 0 {
		return "any content"
	}
	return strings.Join(parts, ", ")
}
