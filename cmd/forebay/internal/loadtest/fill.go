package loadtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/forebay-go/forebay/producer"
)

// fillUp sends records until the topic has enough of them for readers from its beginning.
func (r *runner) fillUp(ctx context.Context) error {
	there, err := r.records(ctx)
	if err != nil {
		return err
	}
	missing := r.config.OldRecords - there
	if missing <= 0 {
		r.done("topic %s has %d records for readers from the beginning", r.config.Topic, there)
		return nil
	}
	r.opts.Do(fmt.Sprintf("topic %s has %d records: sending %d more for readers from the beginning",
		r.config.Topic, there, missing))
	began := time.Now()
	if err := r.fill(ctx, missing); err != nil {
		return err
	}
	r.done("topic %s had %d records: %d were sent for readers from the beginning, in %.1f s",
		r.config.Topic, there, missing, time.Since(began).Seconds())
	return nil
}

func (r *runner) done(format string, args ...any) {
	r.result.Done = append(r.result.Done, fmt.Sprintf(format, args...))
}

// records returns how many records the topic has.
func (r *runner) records(ctx context.Context) (n int64, err error) {
	c := &crowd{plan: r.plan}
	ends, err := c.offsets(ctx, (*kadm.Client).ListEndOffsets)
	if err != nil {
		return 0, err
	}
	starts, err := c.offsets(ctx, (*kadm.Client).ListStartOffsets)
	for partition, end := range ends {
		n += end - starts[partition]
	}
	return n, err
}

// fill sends n records as fast as there is room for them, and waits until they are delivered. The
// error wraps errAway if nothing is delivered for a while.
func (r *runner) fill(ctx context.Context, n int64) error {
	before := r.p.Stats().Total
	last, at := before.Delivered, time.Now()
	for sent := int64(0); ; {
		var err error
		if sent < n && (sent%roomEvery != 0 || r.hasRoom()) {
			if err = r.p.Send(r.sender.record(uint64(sent), 0, 0)); err == nil {
				sent++
				continue
			}
		}
		if err != nil && !errors.Is(err, producer.ErrBufferFull) {
			return fmt.Errorf("fill topic %s: %w", r.config.Topic, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		total := r.p.Stats().Total
		if lost := total.Accepted - total.Delivered - total.Pending; total.Pending == 0 &&
			sent == n {
			return r.filled(lost - (before.Accepted - before.Delivered - before.Pending))
		}
		if total.Delivered > last {
			last, at = total.Delivered, time.Now()
		}
		if time.Since(at) > r.config.Drain {
			return fmt.Errorf("%w: nothing was delivered for %v: %s", errAway, r.config.Drain,
				r.because())
		}
		sleep(ctx, 5*time.Millisecond)
	}
}

// roomEvery is after how many records fill looks whether there is room.
const roomEvery = 64

// hasRoom reports whether half of the buffer is free: a producer whose settings drop old records
// when it is full would lose some of these.
func (r *runner) hasRoom() bool {
	stats := r.p.Stats()
	return stats.HeldBytes < stats.MaxBytes/2
}

// filled returns an error if records were lost.
func (r *runner) filled(lost uint64) error {
	if lost > 0 {
		return fmt.Errorf("fill topic %s: %d records were not delivered", r.config.Topic, lost)
	}
	return nil
}
