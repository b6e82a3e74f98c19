package producer

import (
	"errors"
	"fmt"

	"github.com/forebay-go/forebay/routing"
)

// What Send refuses a record for. Nothing of it was kept. Each comes in a SendError with the facts.
var (
	// ErrBufferFull reports that there is no room: under Buffer.MaxBytes, with nothing of lower
	// priorities left to give up, or under the ceiling of the record's priority, or in its topic's
	// share. Hint says which of the latter.
	ErrBufferFull = errors.New("buffer full")
	// ErrRecordTooLarge reports a record above Batching.MaxRecordBytes.
	ErrRecordTooLarge = errors.New("record too large")
	// ErrTooManyTopics reports a new topic above Buffer.MaxTopics.
	ErrTooManyTopics = errors.New("too many topics")
	// ErrNoRoute reports a priority that has no cluster.
	ErrNoRoute = errors.New("no cluster for this priority")
	// ErrInvalidRecord reports a topic name that is not legal in Kafka, a negative partition, or a
	// TTL out of its range.
	ErrInvalidRecord = errors.New("invalid record")
	// ErrIntercepted reports a record that an interceptor refused, or that one panicked for. The
	// error wraps that of the interceptor, too.
	ErrIntercepted = errors.New("refused by an interceptor")
	// ErrClosed reports a producer that was closed.
	ErrClosed = errors.New("producer closed")
)

// SendError is what Send returns: the error, and what it was about.
type SendError struct {
	Topic    string
	Priority routing.Priority
	Size     int64  // bytes that were asked for, where that matters
	Limit    int64  // the bound that they or the topics met, where there is one
	Hint     string // what is wrong with the record, where the error does not say it
	Err      error  // wraps one of the errors above; returned by Unwrap
}

// Error returns the error in words.
func (e *SendError) Error() string {
	text := fmt.Sprintf("send to %q (%v): %v", e.Topic, e.Priority, e.Err)
	switch {
	case errors.Is(e.Err, ErrBufferFull) && e.Limit > 0:
		text += fmt.Sprintf(": %d bytes are held for records that wait for Kafka", e.Limit)
	case errors.Is(e.Err, ErrRecordTooLarge):
		text += fmt.Sprintf(": %d bytes, at most %d are allowed", e.Size, e.Limit)
	case errors.Is(e.Err, ErrTooManyTopics):
		text += fmt.Sprintf(": buffer.max_topics allows %d at a time", e.Limit)
	}
	if e.Hint != "" {
		text += ": " + e.Hint
	}
	return text
}

// Unwrap returns Err.
func (e *SendError) Unwrap() error { return e.Err }
