// Package client makes one of every producer: each client of Kafka behind the same few calls, with
// nothing between the caller and the client's own call but what every application needs.
//
// All get the same acks, linger, compression and bound of memory, and are idempotent where they can
// be; everything else is left at the client's own default. [Client.Told] says what that came to.
package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// Settings are the same for all clients.
type Settings struct {
	Brokers     []string
	Linger      time.Duration // zero: none
	Compression string        // none, lz4, zstd
	BoundBytes  int64         // memory for what waits
	RecordBytes int           // of a value, for clients whose bound is a number of records
	// the application hears of each record, also of one that was delivered
	Reports  bool
	Explicit bool // the application chooses the partition of each record
}

// boundRecords is the bound for clients that know none in bytes, or count the values alone: what a
// record takes beside its value is put at 200 bytes, which is little for most.
func (s *Settings) boundRecords() int { return int(s.BoundBytes / int64(s.RecordBytes+200)) }

// Client is a producer to be measured.
type Client interface {
	// Send makes the one call by which the application sends a record, and waits where that call
	// waits. It returns false if the record was refused there and then. The value must not be
	// changed afterwards, unless [ReturnsValue] says so.
	Send(topic string, partition int32, value []byte, seq uint64) bool

	// Finish waits until everything has an outcome. The client is not used afterwards.
	Finish(ctx context.Context) error

	// Told returns the settings that differ from the client's defaults, and what it has no setting
	// for.
	Told() map[string]string

	// Counts returns how many records had which outcome so far.
	Counts() Counts
}

// ReturnsValue reports whether c promises that the memory of a value is the caller's again when
// Send returns.
func ReturnsValue(c Client) bool {
	_, ok := c.(*forebay)
	return ok
}

// Counts are outcomes of records. A client that reports no deliveries has Delivered at zero, as
// Uncounted says.
type Counts struct {
	Delivered, Failed, Refused int64
	Uncounted                  bool
}

// Outcome is what became of a record.
type Outcome int

// The outcomes.
const (
	Delivered Outcome = iota
	Failed
	Refused // after Send had returned
)

// Listener hears of the outcomes of records by the number they were sent with; nil hears nothing.
// It may be called by several goroutines at a time.
type Listener func(seq uint64, o Outcome)

// tally counts outcomes and passes them on.
type tally struct {
	counts [3]atomic.Int64
	listen Listener
	said   atomic.Pointer[error] // the first failure
}

// told notes n records with the same outcome; number gives those that are listened for.
func (t *tally) note(o Outcome, value []byte) {
	t.counts[o].Add(1)
	if t.listen != nil {
		t.listen(Number(value), o)
	}
}

func (t *tally) failed(value []byte, err error) {
	t.said.CompareAndSwap(nil, &err)
	t.note(Failed, value)
}

// Counts returns how many records had which outcome so far.
func (t *tally) Counts() Counts {
	return Counts{Delivered: t.counts[Delivered].Load(), Failed: t.counts[Failed].Load(),
		Refused: t.counts[Refused].Load()}
}

// FirstFailure returns what the first record that failed did fail of, in the client's words.
func (t *tally) FirstFailure() string {
	if err := t.said.Load(); err != nil {
		return (*err).Error()
	}
	return ""
}

// maker makes a client.
type maker func(Settings, Listener) (Client, error)

var makers = map[string]maker{
	"forebay":      newForebay,
	"franz-go":     func(s Settings, l Listener) (Client, error) { return newFranz(s, l, false) },
	"franz-go-try": func(s Settings, l Listener) (Client, error) { return newFranz(s, l, true) },
	"sarama":       newSarama,
	"kafka-go":     newKafkaGo,
	"confluent":    newConfluent,
	"nothing":      func(Settings, Listener) (Client, error) { return nothing{}, nil },
}

// ErrLeftOut reports a client that this program was built without.
var ErrLeftOut = errors.New("left out of this build")

// New returns the client of that name.
func New(name string, s Settings, l Listener) (Client, error) {
	make := makers[name]
	if make == nil {
		return nil, fmt.Errorf("no client is named %q", name)
	}
	return make(s, l)
}

// Names returns the names that New knows, but for the empty loop.
func Names() (names []string) {
	for name := range makers {
		if name != "nothing" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
