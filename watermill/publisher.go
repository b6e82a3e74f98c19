package watermill

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/forebay-go/forebay/producer"
)

// Producer is what a Publisher publishes through. A *producer.Producer has these methods, and so
// has a *producertest.Recorder.
type Producer interface {
	producer.Sender
	SendWait(context.Context, producer.Record) (producer.Report, error)
	Flush(context.Context) error
	Close(context.Context) (producer.Summary, error)
}

// Publisher is a message.Publisher. Make one with NewPublisher. It is safe for concurrent use.
type Publisher struct {
	p      Producer
	o      options
	closed atomic.Bool
}

var _ message.Publisher = (*Publisher)(nil)

// NewPublisher returns a Publisher over p. It panics if p is nil.
func NewPublisher(p Producer, opts ...Option) *Publisher {
	if p == nil {
		panic("watermill: NewPublisher needs a producer")
	}
	return &Publisher{p: p, o: complete(opts)}
}

// Publish hands messages to the producer, one after the other, and ends with the first error. The
// messages before that one were accepted. The error names the message and wraps the error of Send,
// such as producer.ErrBufferFull, or that of the marshaler.
//
// Nil means accepted, not delivered: Publish never waits. With WithWait it waits for the outcome of
// each message before the next one, and nil means that Kafka has all of them. If the context of a
// message ends meanwhile, the error wraps that of the context; the message stays in the buffer and
// may still be delivered. Otherwise the contexts of messages have no effect.
//
// The messages are the caller's again when Publish returns.
func (p *Publisher) Publish(topic string, messages ...*message.Message) error {
	for i, msg := range messages {
		if msg == nil {
			return fmt.Errorf("publish to %q: message %d is nil", topic, i)
		}
		if err := p.publish(topic, msg); err != nil {
			return fmt.Errorf("publish message %q: %w", msg.UUID, err)
		}
	}
	return nil
}

func (p *Publisher) publish(topic string, msg *message.Message) error {
	if p.closed.Load() {
		return fmt.Errorf("publisher closed: %w", producer.ErrClosed)
	}
	rec, err := p.o.record(topic, msg)
	if err != nil {
		return err
	}
	if !p.o.wait {
		return p.p.Send(rec)
	}
	_, err = p.p.SendWait(msg.Context(), rec)
	return err
}

// Close delivers what waits, for ten seconds at most (WithCloseTimeout), and closes the producer.
// The error wraps producer.ErrLeft if records had to be given up. A second call returns nil.
//
// With WithSharedProducer it only delivers what waits; the error then wraps
// context.DeadlineExceeded if that takes too long, and the records stay in the buffer.
func (p *Publisher) Close() error {
	if p.closed.Swap(true) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), p.o.closeTimeout)
	defer cancel()
	if p.o.shared {
		return p.p.Flush(ctx)
	}
	_, err := p.p.Close(ctx)
	if errors.Is(err, producer.ErrInCallback) {
		p.closed.Store(false) // nothing was closed
	}
	return err
}

// defaultCloseTimeout is how long Close may take.
const defaultCloseTimeout = 10 * time.Second
