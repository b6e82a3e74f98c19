package main

import (
	"context"
	"time"

	"github.com/forebay-go/forebay/producer"
)

const (
	// settle is what passes between a report and the next try, as the report comes just before its
	// batch gives its memory back. It also keeps the thousand reports of a batch from being a
	// thousand tries.
	settle = time.Millisecond
	// longest is how long a try waits for a report. There are none while Kafka is away, and they
	// are dropped when too many wait.
	longest = 100 * time.Millisecond
)

// room is where the command waits while the buffer is full. The library never waits; a command that
// reads a pipe may.
type room struct {
	reported chan struct{} // one slot; sent by report, received by wait; never closed
}

func newRoom() *room { return &room{reported: make(chan struct{}, 1)} }

// report takes note that a record has its outcome.
func (r *room) report(producer.Report) {
	select {
	case r.reported <- struct{}{}:
	default:
	}
}

// wait returns when it is worth trying again, or the error of ctx as soon as that ends.
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
