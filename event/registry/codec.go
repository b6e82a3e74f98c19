package registry

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/forebay-go/forebay/event"
	"github.com/forebay-go/forebay/producer"
)

// ErrUnknownID reports that the ID of a schema is not known yet.
var ErrUnknownID = errors.New("ID of the schema not known yet")

// Codec encodes values as another codec does, and puts in front of them what readers of the
// registry expect: a zero byte, the ID of the schema in four bytes, and for Protobuf the place of
// the message in its file. It implements event.Codec and event.Holder. It is safe for concurrent
// use if the other codec is.
type Codec[T any] struct {
	inner   event.Codec[T]
	entry   *entry
	indexes []int // nil unless the schema is Protobuf
}

// NewCodec returns a codec for events whose values inner encodes as the schema says, which it does
// not check. Subject is what the registry knows the schema by, usually [ValueSubject] of the topic.
//
// If the lock file has the ID, it is used from the first event on, and compared with the registry
// in the background. If not, the registry starts to look it up, and events wait until it is known:
// see event.Holder. NewCodec does no I/O itself. Codecs of the same subject and schema share what
// is known.
//
// The error says what is wrong with an argument, or with the schema as [Fingerprint] checks it. It
// also says if nobody knows the ID, because the lock file lacks it and Config.URLs is empty. After
// Close it is ErrClosed.
func NewCodec[T any](r *Registry, subject string, schema sr.Schema, inner event.Codec[T],
	opts ...CodecOption) (*Codec[T], error) {
	var o codecOptions
	for _, opt := range opts {
		if opt != nil {
			opt.apply(&o)
		}
	}
	switch {
	case r == nil:
		return nil, errors.New("registry.NewCodec: no registry: write what registry.New returns")
	case inner == nil:
		return nil, errors.New("registry.NewCodec: no codec: write one such as event.JSON")
	case subject == "":
		return nil, errors.New("registry.NewCodec: no subject: write one such as " +
			`registry.ValueSubject("plays")`)
	}
	indexes, err := messageIndexes[T](schema.Type, o)
	if err != nil {
		return nil, fmt.Errorf("registry.NewCodec: subject %q: %w", subject, err)
	}
	e, err := r.entry(subject, schema)
	if err != nil {
		return nil, fmt.Errorf("registry.NewCodec: %w", err)
	}
	return &Codec[T]{inner, e, indexes}, nil
}

// header writes what is in front of a value.
var header sr.ConfluentHeader

// Append appends the encoding of v to dst. If the ID is not known, the four bytes are zero, and the
// record must be sent with what Hold has returned before: its release fills them in. The errors are
// those of the other codec.
func (c *Codec[T]) Append(dst []byte, v T) ([]byte, error) {
	return c.append(dst, c.entry.state.Load().id, v)
}

var errNotAppended = errors.New("the inner codec returned a slice that does not begin with the " +
	"one it got: Append must append to dst")

// append appends the header and the value.
func (c *Codec[T]) append(dst []byte, id int, v T) ([]byte, error) {
	framed, err := header.AppendEncode(dst, id, c.indexes)
	if err != nil {
		return dst, err
	}
	value, err := c.inner.Append(framed, v)
	if err != nil {
		return dst, err
	}
	at := len(dst) + idOffset // the codec may have written over framed
	if len(value) < len(framed) || value[at-1] != 0 ||
		binary.BigEndian.Uint32(value[at:]) != uint32(id) {
		return dst, errNotAppended
	}
	return value, nil
}

// ContentType returns that of the other codec.
func (c *Codec[T]) ContentType() string { return c.inner.ContentType() }

// Hold returns nil if the ID is known, or else what the records have to wait for.
func (c *Codec[T]) Hold() *producer.Hold { return c.entry.state.Load().hold }

// ID returns the ID of the schema and where it comes from; 0 and Unknown if it is not known.
func (c *Codec[T]) ID() (int, Source) {
	s := c.entry.state.Load()
	if s.hold != nil {
		return 0, Unknown
	}
	return s.id, s.source
}

// AppendKnown is Append for what cannot wait, such as the key of a record: it returns an error that
// wraps ErrUnknownID, and dst as it was, while the ID is not known.
func (c *Codec[T]) AppendKnown(dst []byte, v T) ([]byte, error) {
	s := c.entry.state.Load()
	if s.hold != nil {
		return dst, fmt.Errorf("schema of subject %q: %w", c.entry.key.subject, ErrUnknownID)
	}
	return c.append(dst, s.id, v)
}
