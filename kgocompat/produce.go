package kgocompat

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/producer"
)

// Produce hands r to the producer and returns at once. Unlike Produce of kgo it never waits for
// room: if the buffer is full, promise gets kgo.ErrMaxBuffered. A nil promise is fine.
//
// promise is called exactly once, also if r is refused: by another goroutine, one promise after the
// other. r belongs to the Client until then; Key, Value and the values of Headers may be reused as
// soon as Produce returns. A panic in promise is counted in PromisePanics.
//
// If ctx or r.Context has ended, r is refused with its error. Once r is accepted, neither can
// cancel it: it waits until it is delivered or its delivery timeout is over.
func (c *Client) Produce(ctx context.Context, r *kgo.Record, promise func(*kgo.Record, error)) {
	if ctx == nil {
		ctx = context.Background()
	}
	if promise == nil {
		promise = func(*kgo.Record, error) {}
	}
	c.stamp(ctx, r)
	k := call{record: r, promise: promise, size: sizeOf(r)}
	k.in = c.pending.enter(k.size)
	rec := c.recordOf(r)
	if err := ended(ctx, r); err != nil {
		c.refuse(k, err)
		return
	}
	err := c.p.SendFunc(rec, func(rep producer.Report) { c.reported(k, &rep) })
	if err != nil {
		c.refuse(k, refusalOf(&rec, err))
	}
}

// TryProduce is Produce, which does not wait either.
func (c *Client) TryProduce(ctx context.Context, r *kgo.Record, promise func(*kgo.Record, error)) {
	c.Produce(ctx, r, promise)
}

// stamp fills in what kgo fills in before it sends r.
func (c *Client) stamp(ctx context.Context, r *kgo.Record) {
	if r.Context == nil {
		r.Context = ctx
	}
	if r.Topic == "" {
		r.Topic = c.topic
	}
	if r.Timestamp.IsZero() {
		r.Timestamp = time.Now()
	}
	r.Timestamp = r.Timestamp.Truncate(time.Millisecond)
}

// recordOf returns r as the producer takes it.
func (c *Client) recordOf(r *kgo.Record) producer.Record {
	rec := producer.Record{Topic: r.Topic, Key: r.Key, Value: r.Value, Timestamp: r.Timestamp}
	if c.manual {
		rec.Partition = producer.ToPartition(r.Partition)
	}
	if len(r.Headers) > 0 {
		rec.Headers = make([]producer.Header, len(r.Headers))
		for i, h := range r.Headers {
			rec.Headers[i] = producer.Header(h)
		}
	}
	return rec
}

// sizeOf returns the bytes of r that kgo counts.
func sizeOf(r *kgo.Record) int64 {
	n := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return int64(n)
}
