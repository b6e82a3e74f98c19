package capture

import (
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"github.com/forebay-go/forebay/producer"
)

// Record is one record of a capture.
type Record struct {
	// After is the time of the record since the time of the first one, to the millisecond. It is
	// negative if the record is older.
	After time.Duration

	Topic      string
	Partition  int32
	Key, Value []byte // nil: null in Kafka
	Headers    []producer.Header
}

// recordLine is a record as JSON.
type recordLine struct {
	Milliseconds int64        `json:"ms"`
	Topic        string       `json:"topic"`
	Partition    int32        `json:"partition"`
	Key          *string      `json:"key,omitempty"`
	Key64        []byte       `json:"key64,omitempty"`
	Value        *string      `json:"value,omitempty"`
	Value64      []byte       `json:"value64,omitempty"`
	Headers      []headerLine `json:"headers,omitempty"`
}

// headerLine is a header of a record as JSON.
type headerLine struct {
	Name    *string `json:"name,omitempty"`
	Name64  []byte  `json:"name64,omitempty"`
	Value   *string `json:"value,omitempty"`
	Value64 []byte  `json:"value64,omitempty"`
}

// split returns bytes as a string if they are UTF-8, else as they are. Both are nil for nil.
func split(b []byte) (text *string, binary []byte) {
	switch {
	case b == nil:
		return nil, nil
	case utf8.Valid(b):
		s := string(b)
		return &s, nil
	}
	return nil, b
}

// join is the inverse of split.
func join(field string, text *string, binary []byte) ([]byte, error) {
	switch {
	case text != nil && binary != nil:
		return nil, fmt.Errorf("%s and %s64 are both there: take one out", field, field)
	case text != nil:
		return []byte(*text), nil
	}
	return binary, nil
}

// lineOf returns r as JSON has it.
func lineOf(r *Record) recordLine {
	line := recordLine{Milliseconds: r.After.Milliseconds(), Topic: r.Topic, Partition: r.Partition}
	line.Key, line.Key64 = split(r.Key)
	line.Value, line.Value64 = split(r.Value)
	for _, h := range r.Headers {
		var l headerLine
		l.Name, l.Name64 = split([]byte(h.Key))
		l.Value, l.Value64 = split(h.Value)
		line.Headers = append(line.Headers, l)
	}
	return line
}

// mostMilliseconds bounds the time of a record: a Duration has no more.
const mostMilliseconds = math.MaxInt64 / int64(time.Millisecond)

// record is the inverse of lineOf.
func (l *recordLine) record() (r Record, err error) {
	if l.Topic == "" {
		return r, errors.New("it has no topic")
	}
	if l.Partition < 0 {
		return r, fmt.Errorf("partition: %d: write a number from 0 on", l.Partition)
	}
	if l.Milliseconds > mostMilliseconds || l.Milliseconds < -mostMilliseconds {
		return r, fmt.Errorf("ms: %d is out of range", l.Milliseconds)
	}
	r = Record{After: time.Duration(l.Milliseconds) * time.Millisecond, Topic: l.Topic,
		Partition: l.Partition}
	if r.Key, err = join("key", l.Key, l.Key64); err != nil {
		return r, err
	}
	if r.Value, err = join("value", l.Value, l.Value64); err != nil {
		return r, err
	}
	for _, h := range l.Headers {
		name, err := join("name", h.Name, h.Name64)
		if err != nil {
			return r, err
		}
		value, err := join("value", h.Value, h.Value64)
		if err != nil {
			return r, err
		}
		r.Headers = append(r.Headers, producer.Header{Key: string(name), Value: value})
	}
	return r, nil
}
