package main

import (
	"context"

	"github.com/forebay-go/forebay/producer"
)

// patiently sends rec when there is room for it.
func (r *replay) patiently(ctx context.Context, rec producer.Record) error {
	if err := r.heldUp(ctx, int64(len(rec.Key)+len(rec.Value))); err != nil {
		return err
	}
	return r.room.put(ctx, rec, r.p.Send, r.pending)
}

func (r *replay) pending() uint64 { return r.p.Stats().Total.Pending }

// heldUp waits while more than half of the buffer is in use: in a full one, high priority pushes
// out the others. It looks each time after a sixteenth of the buffer was sent.
func (r *replay) heldUp(ctx context.Context, bytes int64) error {
	const overhead = 100 // of a record, about
	if r.since += bytes + overhead; r.since < r.look {
		return nil
	}
	r.since = 0
	for {
		stats := r.p.Stats()
		if stats.HeldBytes <= stats.MaxBytes/2 || stats.Total.Pending == 0 {
			return nil
		}
		if err := r.room.wait(ctx); err != nil {
			return err
		}
	}
}
