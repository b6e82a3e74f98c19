package kgocompat

import (
	"time"

	"github.com/forebay-go/forebay/producer"
)

// Option is something that NewClient and Over can be given. A nil Option does nothing.
type Option interface{ apply(*options) }

type options struct {
	producer     []producer.Option
	topic        string
	manual       bool
	closeTimeout time.Duration
}

// complete returns the options with defaults for those that are missing.
func complete(opts []Option) options {
	o := options{closeTimeout: 10 * time.Second}
	for _, opt := range opts {
		if opt != nil {
			opt.apply(&o)
		}
	}
	return o
}

type optionFunc func(*options)

func (f optionFunc) apply(o *options) { f(o) }

// WithProducer has NewClient give opts to producer.New. Over ignores it.
func WithProducer(opts ...producer.Option) Option {
	return optionFunc(func(o *options) { o.producer = append(o.producer, opts...) })
}

// WithDefaultTopic is kgo.DefaultProduceTopic: records without a topic go to topic.
func WithDefaultTopic(topic string) Option {
	return optionFunc(func(o *options) { o.topic = topic })
}

// WithManualPartitioner is kgo.ManualPartitioner: each record goes to its Partition. A record with
// a negative one is refused. A record for a partition that does not exist waits for it. Without
// this option the Partition of a record is ignored, as by the default partitioner of kgo.
func WithManualPartitioner() Option {
	return optionFunc(func(o *options) { o.manual = true })
}

// WithCloseTimeout bounds the time that Close takes to deliver what waits. Zero fails everything at
// once, as Close of kgo does. Without this option, or with a negative duration, it is ten seconds.
func WithCloseTimeout(d time.Duration) Option {
	return optionFunc(func(o *options) {
		if d >= 0 {
			o.closeTimeout = d
		}
	})
}
