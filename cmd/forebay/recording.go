package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/forebay-go/forebay/cmd/forebay/internal/capture"
)

// recording is one run of audit record.
type recording struct {
	source  *capture.Source
	began   time.Time
	said    display
	records atomic.Uint64
}

// run writes the capture to out, and closes it, whole or not. The error says why it is not whole.
func (r *recording) run(ctx context.Context, out io.WriteCloser, topics []string) error {
	stop := each(progressEvery, func() {
		r.said.say(fmt.Sprintf("recorded %s", count(r.records.Load())))
	})
	defer stop()
	packed, err := zstd.NewWriter(out, zstd.WithEncoderConcurrency(1)) // without goroutines
	if err != nil {
		return err
	}
	writer := capture.NewWriter(packed, topics, r.began)
	why := r.copy(ctx, writer)
	if err := errors.Join(writer.Close(why == nil), packed.Close(), out.Close()); err != nil {
		return outputFailed(err)
	}
	return why
}

// copy writes all records of the range.
func (r *recording) copy(ctx context.Context, writer *capture.Writer) error {
	for {
		rec, err := r.source.Next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := writer.Write(rec); err != nil {
			return outputFailed(err)
		}
		r.records.Store(writer.Records())
	}
}

// outputFailed names the flag of the file that cannot be written.
func outputFailed(err error) error { return fmt.Errorf("--output: %w", err) }

// finish says what was recorded. The error is an exitError unless that is the whole range.
func (r *recording) finish(stderr io.Writer, why error) error {
	text := fmt.Sprintf("recorded %s from %s, in %.1fs", countOf(r.records.Load(), "record"),
		plural(r.source.Partitions(), "partition"), time.Since(r.began).Seconds())
	interrupted := errors.Is(why, context.Canceled)
	if interrupted {
		text += ", interrupted before the end of the range"
	}
	r.said.say(text)
	deleted := r.source.Deleted()
	if deleted > 0 {
		r.said.say(fmt.Sprintf("not recorded: %s that Kafka deleted before they could be read",
			countOf(uint64(deleted), "offset")))
	}
	switch {
	case interrupted:
		return exitError(exitInterrupted)
	case why != nil:
		return gaveUp(stderr, why)
	case deleted > 0:
		return exitError(exitFaulty)
	}
	return nil
}
