package watermill

import (
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/forebay-go/forebay/producer"
)

// Option is something that NewPublisher can be given. A nil Option does nothing.
type Option interface{ apply(*options) }

type options struct {
	wait         bool
	shared       bool
	closeTimeout time.Duration
	marshal      Marshaler
	key          PartitionKey
}

type optionFunc func(*options)

func (f optionFunc) apply(o *options) { f(o) }

// complete returns the options with defaults for those that are missing.
func complete(opts []Option) options {
	o := options{closeTimeout: defaultCloseTimeout, marshal: Marshal}
	for _, opt := range opts {
		if opt != nil {
			opt.apply(&o)
		}
	}
	return o
}

// record returns the record of a message.
func (o *options) record(topic string, msg *message.Message) (producer.Record, error) {
	rec, err := o.marshal(topic, msg)
	if err != nil || o.key == nil {
		return rec, err
	}
	return o.key.put(rec, topic, msg)
}

// WithWait has Publish wait for the outcome of each message. Publishing then takes the linger of
// the producer and a round trip for each message. In an outage it takes as long as that lasts, up
// to the delivery timeout. Use it where a message must not be acknowledged before Kafka has what
// was made of it. Set Batching.Linger to producer.NoLinger where little is published at a time.
func WithWait() Option { return optionFunc(func(o *options) { o.wait = true }) }

// WithSharedProducer has Close leave the producer open, for others that use it.
func WithSharedProducer() Option { return optionFunc(func(o *options) { o.shared = true }) }

// WithCloseTimeout bounds the time of Close. Zero gives up at once what waits. Without this option,
// or with a negative duration, it is ten seconds.
func WithCloseTimeout(d time.Duration) Option {
	return optionFunc(func(o *options) {
		if d >= 0 {
			o.closeTimeout = d
		}
	})
}

// WithMarshaler has m make records of messages, in place of Marshal. A nil m changes nothing.
func WithMarshaler(m Marshaler) Option {
	return optionFunc(func(o *options) {
		if m != nil {
			o.marshal = m
		}
	})
}

// WithPartitionKey has fn choose the keys of records: messages with one key that one goroutine
// publishes keep their order. A nil fn changes nothing. Without this option records have no key,
// and so no order, unless the marshaler gives them one.
func WithPartitionKey(fn PartitionKey) Option {
	return optionFunc(func(o *options) {
		if fn != nil {
			o.key = fn
		}
	})
}
