package audit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// Sender delivers statements and reports each. *producer.Producer does.
type Sender interface {
	SendFunc(producer.Record, func(producer.Report)) error
}

// outbox delivers statements of a reader. Of each it keeps the newest version until that is
// delivered.
type outbox struct {
	sender Sender
	topic  string

	mu      sync.Mutex // guards what follows; never held while something is sent
	waiting map[string]*letter
	bytes   int
	closed  bool
}

type letter struct {
	value    []byte
	version  int
	underway bool // a version was sent and has no outcome, or will be soon
	since    time.Time
}

// outboxBytes is how much may wait.
const outboxBytes = 8 << 20

// full reports whether so much waits that nothing should be added. What is put all the same is
// kept.
func (o *outbox) full() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.bytes > outboxBytes
}

// put sends a version of a statement. The one before it is forgotten. After close it does nothing.
func (o *outbox) put(key string, value []byte) {
	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		return
	}
	if o.waiting == nil {
		o.waiting = make(map[string]*letter)
	}
	l := o.waiting[key]
	if l == nil {
		l = new(letter)
		o.waiting[key] = l
	}
	o.bytes += len(value) - len(l.value)
	l.value = value
	l.version++
	underway := l.underway
	l.underway = true
	o.mu.Unlock()
	if !underway {
		o.send(key, l)
	}
}

// send sends the newest version of a letter, of which none is underway.
func (o *outbox) send(key string, l *letter) {
	o.mu.Lock()
	value, version, closed := l.value, l.version, o.closed
	l.since = time.Now()
	o.mu.Unlock()
	if closed {
		return
	}
	err := o.sender.SendFunc(statementTo(o.topic, []byte(key), value), func(r producer.Report) {
		o.answered(key, l, version, r.Outcome == delivery.Delivered)
	})
	switch {
	case errors.Is(err, producer.ErrClosed):
		o.close()
	case err != nil:
		o.later(key, l)
	}
}

// answered forgets a letter that was delivered in its newest version. Others are sent again.
func (o *outbox) answered(key string, l *letter, version int, ok bool) {
	o.mu.Lock()
	done := ok && version == l.version
	forgotten := o.waiting[key] != l // another report of it came first
	if done && !forgotten {
		delete(o.waiting, key)
		o.bytes -= len(l.value)
	}
	o.mu.Unlock()
	switch {
	case done, forgotten:
	case ok:
		o.send(key, l)
	default:
		o.later(key, l)
	}
}

// later sends a letter again when it may have room.
func (o *outbox) later(key string, l *letter) {
	time.AfterFunc(time.Second, func() { o.send(key, l) })
}

// again sends letters again that had no report for so long that it was dropped.
func (o *outbox) again() {
	forgotten := make(map[string]*letter)
	o.mu.Lock()
	for key, l := range o.waiting {
		if l.underway && time.Since(l.since) > reportsDropped {
			forgotten[key] = l
		}
	}
	o.mu.Unlock()
	for key, l := range forgotten {
		o.send(key, l)
	}
}

// reportsDropped is longer than a statement takes to have an outcome, by default.
const reportsDropped = 5 * time.Minute

// wait waits until everything is delivered, or ctx ends. Then nothing is sent any more.
func (o *outbox) wait(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	defer o.close()
	for {
		o.mu.Lock()
		left, closed := len(o.waiting), o.closed
		o.mu.Unlock()
		switch {
		case left == 0:
			return nil
		case closed:
			return fmt.Errorf("%w: %d left: %w", errNotStated, left, producer.ErrClosed)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%w: %d left: %w", errNotStated, left, ctx.Err())
		}
	}
}

func (o *outbox) close() {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
}

// statementTo returns the record of a statement. Statements have keys, so the newest version of
// each is the last in the log.
func statementTo(topic string, key, value []byte) producer.Record {
	return producer.Record{Topic: topic, Key: key, Value: value, Priority: routing.Low}
}
