package registry

import (
	"fmt"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/forebay-go/forebay/producer"
)

// Source says where an ID comes from.
type Source int

// The sources of an ID.
const (
	// Unknown is the source of no ID: records wait.
	Unknown Source = iota
	// Locked is the lock file.
	Locked
	// Cached is the cache file.
	Cached
	// LookedUp is the registry.
	LookedUp
)

// String returns the source in words.
func (s Source) String() string {
	switch s {
	case Locked:
		return "lock file"
	case Cached:
		return "cache file"
	case LookedUp:
		return "registry"
	default:
		return "unknown"
	}
}

// idOffset is where the ID is in a value: behind the magic byte.
const idOffset = 1

// entry is a schema under a subject.
type entry struct {
	key    lockKey
	schema sr.Schema
	state  atomic.Pointer[state] // never nil; written by newEntry, then by the subject's worker

	// These belong to the worker of the subject.
	uncached bool // the cache was asked
	mismatch bool // the lock file has other schemas of the subject, which is still to be said
	doubted  bool // it was said that the registry does not know the ID
}

// state is what is known of an ID. It never changes.
type state struct {
	id     int // 0: it was never known. Else the one known last, even if hold is set
	source Source
	hold   *producer.Hold // what records wait for; nil if the ID is known
	wrong  string         // why the ID is wrong; empty unless it has turned out to be
}

func newEntry(key lockKey, schema sr.Schema, locked int) *entry {
	e := &entry{key: key, schema: schema}
	if locked != 0 {
		e.state.Store(&state{id: locked, source: Locked})
	} else {
		e.state.Store(&state{hold: newHold(key.subject)})
	}
	return e
}

func newHold(subject string) *producer.Hold {
	return producer.NewHold(fmt.Sprintf("schema %q", subject))
}

// settle makes an ID known, and lets the records go that wait for it. The state comes first: a
// record that sees the old one carries the hold, whose release patches it whenever it comes.
func (e *entry) settle(id int, source Source) {
	was := e.state.Swap(&state{id: id, source: source})
	if was.hold != nil {
		was.hold.Release(idOffset, bigEndian(id))
	}
}

// withdraw makes records wait again, because the ID has turned out to be wrong.
func (e *entry) withdraw(why string) {
	s := &state{id: e.state.Load().id, hold: newHold(e.key.subject), wrong: why}
	s.hold.Explain(why)
	e.state.Store(s)
}

// explain says why records wait.
func (e *entry) explain(why string) {
	if hold := e.state.Load().hold; hold != nil {
		hold.Explain(why)
	}
}

func bigEndian(id int) []byte {
	return []byte{byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id)}
}
