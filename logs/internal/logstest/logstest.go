// Package logstest has what the tests of several packages that send log lines need.
package logstest

import (
	"context"
	"encoding/json"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/producertest"
)

// Refuse returns a sender that answers everything with err, as it is. It has no Flush.
func Refuse(err error) producer.Sender { return refuser{err} }

type refuser struct{ err error }

func (s refuser) Send(producer.Record) error { return s.err }

// Limited is a sender that refuses values above a limit, as a producer does.
type Limited struct {
	Limit, Beside int // bytes; Beside is what a record has beside its value
	Sent          [][]byte
}

// Send keeps the value.
func (s *Limited) Send(rec producer.Record) error {
	if size := len(rec.Value) + s.Beside; size > s.Limit {
		return &producer.SendError{Err: producer.ErrRecordTooLarge, Size: int64(size),
			Limit: int64(s.Limit)}
	}
	s.Sent = append(s.Sent, rec.Value)
	return nil
}

// Flusher is a sender whose Flush waits for its context.
type Flusher struct {
	producertest.Recorder
	Flushed int // calls of Flush
}

// Flush returns the error of ctx when it ends.
func (f *Flusher) Flush(ctx context.Context) error {
	f.Flushed++
	<-ctx.Done()
	return ctx.Err()
}

// Parsed returns the members of a line.
func Parsed(t require.TestingT, line []byte) map[string]any {
	members := make(map[string]any)
	require.NoError(t, json.Unmarshal(line, &members), "%s", line)
	return members
}

// Last returns the members of the newest line in topic "logs".
func Last(t require.TestingT, r *producertest.Recorder) map[string]any {
	all := r.Records("logs")
	require.NotEmpty(t, all)
	return Parsed(t, all[len(all)-1].Value)
}
