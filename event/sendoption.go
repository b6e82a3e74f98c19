package event

import (
	"time"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// SendOption is a choice for one event; given to New, it is the default for all events. It is a
// plain value, so that options cost no allocation. The zero SendOption does nothing. Of several
// that choose the same, the last one counts; headers add up.
type SendOption struct {
	kind   optionKind
	number uint64
	text   string
	text2  string
	value  []byte
	at     time.Time
	then   func(producer.Report)
}

type optionKind uint8

const (
	optionNone optionKind = iota
	optionKey
	optionKeyString
	optionHeader
	optionHeaderString
	optionAt
	optionPriority
	optionPartition
	optionTag
	optionTTL
	optionID
	optionSubject
	optionThen
)

// Key is the key of the event. With nil it has none, whatever KeyBy says; an empty key is a key.
// See producer.Record for what a key decides.
func Key(key []byte) SendOption { return SendOption{kind: optionKey, value: key} }

// KeyString is Key for a string.
func KeyString(key string) SendOption { return SendOption{kind: optionKeyString, text: key} }

// Header adds a header. A nil value is null in Kafka.
func Header(key string, value []byte) SendOption {
	return SendOption{kind: optionHeader, text: key, value: value}
}

// HeaderString is Header for a string.
func HeaderString(key, value string) SendOption {
	return SendOption{kind: optionHeaderString, text: key, text2: value}
}

// At is when the event happened: the record's timestamp and, with CloudEvents, ce_time. Without it,
// and with the zero time, that is the time of Send.
func At(t time.Time) SendOption { return SendOption{kind: optionAt, at: t} }

// Priority chooses the priority. Without it the rules of the producer do.
func Priority(p routing.Priority) SendOption {
	return SendOption{kind: optionPriority, number: uint64(p)}
}

// Partition names the partition, from 0 on. Without it the key decides, or Forebay.
func Partition(n int32) SendOption { return SendOption{kind: optionPartition, number: uint64(n)} }

// Tag comes back in the event's delivery report. It is not sent.
func Tag(tag uint64) SendOption { return SendOption{kind: optionTag, number: tag} }

// TTL is how long the event may take from Send to its outcome: see producer.Record. Without it, and
// with zero, that is the delivery timeout.
func TTL(d time.Duration) SendOption { return SendOption{kind: optionTTL, number: uint64(d)} }

// ID is the event's ce_id. With the source it must be unique, unless the event is sent again. It
// needs CloudEvents.
func ID(id string) SendOption { return SendOption{kind: optionID, text: id} }

// Subject is what the event is about, ce_subject, such as the name of a file. It needs CloudEvents.
func Subject(subject string) SendOption { return SendOption{kind: optionSubject, text: subject} }

// Then has fn called with the outcome of the event, once: see producer.Producer.SendFunc, whose
// rules apply. It is not called if Send returns an error. It needs a sender that has SendFunc. A
// nil fn does nothing.
func Then(fn func(producer.Report)) SendOption { return SendOption{kind: optionThen, then: fn} }

// call is one call of Send: the record and what else its options say.
type call struct {
	rec       producer.Record
	has       has
	keyString string
	id        string
	subject   string
	then      func(producer.Report)
}

// has are choices whose zero value means something.
type has uint8

const (
	hasKey       has = 1 << iota // rec.Key, which may be nil
	hasKeyString                 // keyString
	hasID
	hasSubject
)

// set writes what o says into c. Headers are not its business.
func (o *SendOption) set(c *call) {
	switch o.kind {
	case optionKey:
		c.rec.Key = o.value
		c.has = c.has&^hasKeyString | hasKey
	case optionKeyString:
		c.keyString = o.text
		c.has = c.has&^hasKey | hasKeyString
	case optionAt:
		c.rec.Timestamp = o.at
	case optionPriority:
		c.rec.Priority = routing.Priority(o.number)
	case optionPartition:
		c.rec.Partition = producer.ToPartition(int32(o.number))
	case optionTag:
		c.rec.Tag = o.number
	case optionTTL:
		c.rec.TTL = time.Duration(o.number)
	case optionID:
		c.id = o.text
		c.has |= hasID
	case optionSubject:
		c.subject = o.text
		c.has |= hasSubject
	case optionThen:
		c.then = o.then
	}
}
