package event

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// Option is a choice for all events of a type. A nil Option does nothing. Each SendOption is one
// too, as the default of every event; only ID and At are for single events.
type Option interface{ apply(*settings) }

type optionFunc func(*settings)

func (f optionFunc) apply(s *settings) { f(s) }

// settings are what the options of New say.
type settings struct {
	defaults   call
	headers    []producer.Header
	attributes *Attributes // nil: no CloudEvents

	key     any          // of KeyBy: a func(dst []byte, v T) ([]byte, bool); nil if it got none
	keyType reflect.Type // of the events of KeyBy; nil: there is no KeyBy

	wrong []error
}

func (s *settings) reject(format string, args ...any) {
	s.wrong = append(s.wrong, fmt.Errorf(format, args...))
}

// KeyBy takes the key of each event from the event: the function returns it as a string or bytes.
// Bytes that are nil mean no key; an empty string is a key, as in Kafka. An option Key or KeyString
// of Send takes precedence.
//
// key runs on the goroutine that calls Send. If it panics, the event is refused with ErrEncode. Its
// bytes are copied before Send returns.
func KeyBy[T any, K ~string | ~[]byte](key func(T) K) Option {
	isBytes := reflect.TypeFor[K]().Kind() == reflect.Slice
	return optionFunc(func(s *settings) {
		s.keyType = reflect.TypeFor[T]()
		if key == nil {
			s.reject("KeyBy: the function is nil: write one, or leave the option out")
			return
		}
		s.key = func(dst []byte, v T) ([]byte, bool) {
			k := key(v)
			if isBytes && len(k) == 0 && []byte(k) == nil {
				return dst, false
			}
			return append(dst, k...), true
		}
	})
}

// apply makes o a default.
func (o SendOption) apply(s *settings) {
	switch o.kind {
	case optionID:
		s.reject("ID is an option of Send: each event has an ID of its own")
	case optionAt:
		s.reject("At is an option of Send: each event has a time of its own")
	case optionHeader:
		s.headers = append(s.headers, producer.Header{Key: o.text, Value: bytes.Clone(o.value)})
	case optionHeaderString:
		s.headers = append(s.headers, producer.Header{Key: o.text, Value: []byte(o.text2)})
	case optionKey:
		o.value = bytes.Clone(o.value)
		o.set(&s.defaults)
	default:
		o.set(&s.defaults)
	}
}

// check returns all that is wrong with the options.
func (s *settings) check(topic, contentType string, canReport bool, sender producer.Sender) error {
	d := &s.defaults
	if p := d.rec.Priority; p != routing.Unset && !p.Valid() {
		s.reject("Priority: %v does not exist: write routing.Low, Medium or High", p)
	}
	if s.keyType != nil && d.has&(hasKey|hasKeyString) != 0 {
		s.reject("KeyBy: given together with Key or KeyString, which would always take " +
			"precedence: remove one of them")
	}
	if n, chosen := d.rec.Partition.Number(); chosen && n < 0 {
		s.reject("Partition: the number is negative: write one from 0 on, or leave the option out")
	}
	if hint := mistake(producer.Record{Topic: "any", TTL: d.rec.TTL}); hint != "" {
		s.reject("TTL: %s", hint)
	}
	if d.then != nil && !canReport {
		s.reject("Then: %s", cannotReport(sender))
	}
	if s.attributes == nil {
		if d.has&hasSubject != 0 {
			s.reject("Subject: %s", needsCloudEvents)
		}
		return errors.Join(s.wrong...)
	}
	if err := s.attributes.check(topic, contentType); err != nil {
		s.wrong = append(s.wrong, err)
	}
	if d.has&hasSubject != 0 {
		if err := checkText("Subject", d.subject); err != nil {
			s.wrong = append(s.wrong, err)
		}
	}
	for _, h := range s.headers {
		if isReserved(h.Key) {
			s.reject("Header: %q %s", h.Key, isWritten)
		}
	}
	return errors.Join(s.wrong...)
}

const (
	needsCloudEvents = "it is an attribute of CloudEvents: give New the option CloudEvents"
	isWritten        = "is written by CloudEvents: leave it out"
)

func cannotReport(s producer.Sender) string {
	return fmt.Sprintf("it needs a sender with the method SendFunc, such as a *producer.Producer; "+
		"a %T has none", s)
}
