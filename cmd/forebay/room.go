package main

import (
	"context"
	"errors"
	"time"

	"github.com/forebay-go/forebay/producer"
)

const (
	// settle is the pause between a report and the next try: a report comes just before its batch
	// frees its memory. The pause also turns the thousand reports of a batch into one try.
	settle = time.Millisecond
	// longest bounds the wait for a report. None comes while Kafka is down, and the producer drops
	// reports when too many wait.
	longest = 100 * time.Millisecond
)

// room waits for room in the buffer. The library never waits; a command that reads a pipe may.
type room struct {
	reported chan struct{} // one slot; sent by report, received by wait; never closed
}

func newRoom() *room { return &room{reported: make(chan struct{}, 1)} }

// report notes that a record has its outcome.
func (r *room) report(producer.Report) {
	select {
	case r.reported <- struct{}{}:
	default:
	}
}

// wait returns when a new try makes sense, or with the error of ctx as soon as that ends.
func (r *room) wait(ctx context.Context) error {
	timer := time.NewTimer(longest)
	defer timer.Stop()
	select {
	case <-r.reported:
		timer.Reset(settle)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// put sends rec as soon as the buffer has room for it. pending returns how many records have no
// outcome yet. ErrBufferFull means that there never will be room.
func (r *room) put(ctx context.Context, rec producer.Record, send func(producer.Record) error,
	pending func() uint64) error {
	for alone := 0; ; alone++ {
		err := send(rec)
		if !errors.Is(err, producer.ErrBufferFull) {
			return err
		}
		if pending() > 0 {
			alone = 0
		} else if alone == 10 { // the buffer has been empty for a second
			return err
		}
		if err := r.wait(ctx); err != nil {
			return err
		}
	}
}
