package event

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync/atomic"

	"github.com/forebay-go/forebay/producer"
)

// Event sends events of type T to one topic. It is safe for concurrent use. Make one with New; it
// holds nothing that needs to be closed, and goes on as long as its sender does.
type Event[T any] struct {
	target
	codec   Codec[T]
	holder  Holder                               // the codec, if it is one
	key     func(dst []byte, v T) ([]byte, bool) // of KeyBy; nil: none
	nilable bool                                 // T is a pointer or an interface
}

// target is what an Event is beside the type of its values.
type target struct {
	sender   producer.Sender
	reporter reporter // the sender, if it has SendFunc
	defaults call
	events   bool // with the attributes of CloudEvents

	headers    []producer.Header // that all events have
	tombstones []producer.Header // that all tombstones have

	failures, panics atomic.Uint64
}

// reporter is what Then needs of a sender.
type reporter interface {
	SendFunc(producer.Record, func(producer.Report)) error
}

// New returns an Event, which sends values of T to topic, encoded by codec. It does no I/O. It
// fails only if an argument or an option is wrong in itself, and its error lists all of these.
//
// The sender is a *producer.Producer, or a *producertest.Recorder in tests. It must copy the record
// before its Send returns, as these do: the memory is used again.
func New[T any](sender producer.Sender, topic string, codec Codec[T],
	opts ...Option) (*Event[T], error) {
	var s settings
	for _, opt := range opts {
		if opt != nil {
			opt.apply(&s)
		}
	}
	kind := reflect.TypeFor[T]().Kind()
	e := &Event[T]{codec: codec, nilable: kind == reflect.Pointer || kind == reflect.Interface}
	e.sender = sender
	var wrong []error
	if isNil(sender) {
		wrong = append(wrong, errors.New("the sender is nil: give it a *producer.Producer"))
	} else {
		e.reporter, _ = sender.(reporter)
	}
	if hint := mistake(producer.Record{Topic: topic}); hint != "" {
		wrong = append(wrong, errors.New(hint))
	}
	contentType := ""
	if isNil(codec) {
		wrong = append(wrong, errors.New("the codec is nil: write, for example, event.JSON"))
	} else {
		contentType = codec.ContentType()
		e.holder, _ = codec.(Holder)
	}
	if s.key != nil {
		var ok bool
		if e.key, ok = s.key.(func([]byte, T) ([]byte, bool)); !ok {
			s.reject("KeyBy: its function takes a %v, but the events are of type %v", s.keyType,
				reflect.TypeFor[T]())
		}
	}
	wrong = append(wrong, s.check(topic, contentType, e.reporter != nil, sender))
	if err := errors.Join(wrong...); err != nil {
		return nil, fmt.Errorf("event for topic %q: %w", topic, err)
	}
	e.begin(&s, topic, contentType)
	return e, nil
}

// begin takes over settings that are right.
func (t *target) begin(s *settings, topic, contentType string) {
	t.defaults = s.defaults
	t.defaults.rec.Topic = topic
	if t.events = s.attributes != nil; t.events {
		t.headers, t.tombstones = s.attributes.headers(contentType)
	}
	t.headers = append(t.headers[:len(t.headers):len(t.headers)], s.headers...)
	t.tombstones = append(t.tombstones[:len(t.tombstones):len(t.tombstones)], s.headers...)
}

// mistake says what is wrong with a record.
func mistake(rec producer.Record) string {
	if e, ok := errors.AsType[*producer.SendError](rec.Check()); ok {
		return e.Hint
	}
	return ""
}

// isNil reports whether v is nil, or a nil pointer.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return r.Kind() == reflect.Pointer && r.IsNil()
}

// Topic returns the name of the topic.
func (e *Event[T]) Topic() string { return e.defaults.rec.Topic }

// Send encodes v and sends it, and returns at once: it does no I/O and never waits. It takes as
// long as the codec does and the sender's Send. A nil error means accepted, not delivered.
//
// Every error of Send is a *producer.SendError. It wraps ErrEncode if v could not be encoded,
// because it is a nil pointer, because the codec or a method of v failed, or because one panicked;
// Stats counts these. It wraps producer.ErrInvalidRecord if an option is wrong. All others are
// those of the sender, as they are, such as producer.ErrBufferFull and producer.ErrRecordTooLarge.
// After an error nothing of v was kept.
//
// The caller may change v, and what its options point to, as soon as Send returns, but not while it
// runs.
func (e *Event[T]) Send(v T, opts ...SendOption) error {
	s := newScratch()
	c := e.defaults
	if err := e.fill(&c, s, v, opts); err != nil {
		return err
	}
	err := e.hand(&c)
	s.free()
	return err
}

// Record returns the record that Send would send. Give it to a function that takes a record, such
// as SendWait of the producer or Send of a tracing.Tracer. Its errors are those of Send. Its memory
// is the caller's. The option Then has no effect on it.
func (e *Event[T]) Record(v T, opts ...SendOption) (producer.Record, error) {
	s := newScratch()
	c := e.defaults
	if err := e.fill(&c, s, v, opts); err != nil {
		return producer.Record{}, err
	}
	rec := c.rec
	rec.Key, rec.Value = bytes.Clone(rec.Key), bytes.Clone(rec.Value)
	rec.Headers = slices.Clone(rec.Headers)
	for i := range rec.Headers {
		rec.Headers[i].Value = bytes.Clone(rec.Headers[i].Value)
	}
	s.free()
	return rec, nil
}

// SendTombstone sends a null value for key, which deletes what a compacted topic has for that key.
// It runs no codec. The key must be there: give KeyString as an option if it is a string, and nil
// for key. Errors are those of Send.
func (e *Event[T]) SendTombstone(key []byte, opts ...SendOption) error {
	s := newScratch()
	c := e.defaults
	if key != nil {
		c.rec.Key, c.has = key, c.has&^hasKeyString|hasKey
	}
	hint := e.options(&c, s, opts, e.tombstones)
	if c.rec.Key == nil && hint == "" {
		hint = "a tombstone without a key deletes nothing: give it the key of what it deletes"
	}
	if hint != "" {
		return c.refuse(producer.ErrInvalidRecord, hint)
	}
	err := e.hand(&c)
	s.free()
	return err
}

// fill makes the record of v.
func (e *Event[T]) fill(c *call, s *scratch, v T, opts []SendOption) error {
	if hint := e.options(c, s, opts, e.headers); hint != "" {
		return c.refuse(producer.ErrInvalidRecord, hint)
	}
	if e.nilable && isNil(v) {
		e.failures.Add(1)
		return c.refuse(fmt.Errorf("%w: %w", ErrEncode, errNil), "")
	}
	if err := e.encode(c, s, v); err != nil {
		return c.refuse(fmt.Errorf("%w: %w", ErrEncode, err), "")
	}
	return nil
}

// encode writes the key and the value of v, and survives what they do.
func (e *Event[T]) encode(c *call, s *scratch, v T) (err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		e.failures.Add(1) // a Goexit counts too
		e.panics.Add(1)
		if p := recover(); p != nil {
			err = newPanicError(p)
		}
	}()
	if e.key != nil && c.has&(hasKey|hasKeyString) == 0 {
		from := len(s.buf)
		buf, ok := e.key(s.buf, v)
		if s.buf = buf; ok {
			c.rec.Key = buf[from:len(buf):len(buf)]
		}
	}
	if e.holder != nil {
		c.rec.Hold = e.holder.Hold()
	}
	buf, err := e.codec.Append(s.buf, v)
	returned = true
	if err == nil && !appended(s.buf, buf) {
		err = errNotAppended
	}
	if err != nil {
		e.failures.Add(1)
		return err
	}
	c.rec.Value = buf[len(s.buf):]
	s.buf = buf
	return nil
}

// appended reports whether out begins with dst, which begins with mark: else a codec has returned
// memory that is not ours to use again, or has written over the key and the headers.
func appended(dst, out []byte) bool {
	return len(out) >= len(dst) && string(out[:len(mark)]) == mark &&
		(&out[0] == &dst[0] || string(out[:len(dst)]) == string(dst))
}

// options does what the options of one call say. It returns what is wrong with them.
func (t *target) options(c *call, s *scratch, opts []SendOption, fixed []producer.Header) string {
	s.headers = append(s.headers, fixed...)
	for i := range opts {
		switch o := &opts[i]; o.kind {
		case optionHeader, optionHeaderString:
			if t.events && isReserved(o.text) {
				return fmt.Sprintf("the header %q %s", o.text, isWritten)
			}
			value := o.value
			if o.kind == optionHeaderString {
				value = s.copy(o.text2)
			}
			s.add(o.text, value)
		default:
			o.set(c)
		}
	}
	if c.has&hasKeyString != 0 {
		c.rec.Key = s.copy(c.keyString)
	}
	switch {
	case t.events:
		if hint := c.addAttributes(s); hint != "" {
			return hint
		}
	case c.has&hasID != 0:
		return "ID: " + needsCloudEvents
	case c.has&hasSubject != 0:
		return "Subject: " + needsCloudEvents
	}
	if c.then != nil && t.reporter == nil {
		return "Then: " + cannotReport(t.sender)
	}
	if len(s.headers) > 0 {
		c.rec.Headers = s.headers[:len(s.headers):len(s.headers)]
	}
	return ""
}

// hand gives the record to the sender.
func (t *target) hand(c *call) error {
	if c.then != nil {
		return t.reporter.SendFunc(c.rec, c.then)
	}
	return t.sender.Send(c.rec)
}

// refuse returns the error of an event that is not given to the sender.
func (c *call) refuse(err error, hint string) error {
	return &producer.SendError{Topic: c.rec.Topic, Priority: c.rec.Priority, Hint: hint, Err: err}
}

// Stats counts the events that could not be encoded. All others are in Stats of the producer, by
// topic.
type Stats struct {
	NotEncoded uint64 // events that were refused with ErrEncode
	Panics     uint64 // those of them in which something panicked, or called runtime.Goexit
}

// Stats returns what was counted since New.
func (e *Event[T]) Stats() Stats {
	return Stats{NotEncoded: e.failures.Load(), Panics: e.panics.Load()}
}
