package capture

import (
	"context"
	"errors"
	"io"
	"maps"
	"math"
	"sync"
	"time"

	"github.com/forebay-go/forebay/audit"
	"github.com/forebay-go/forebay/producer"
)

// TimeHeader is the key of the header that has the recorded time of a replayed record.
const TimeHeader = "forebay-replayed-time"

// Player sends the records of a capture.
type Player struct {
	// Send sends a record. An error of its context ends the player. After other errors the record
	// counts as refused.
	Send func(context.Context, producer.Record) error

	Speed          float64           // 2 is twice as fast as recorded; 0 sends one after the other
	Rename         map[string]string // topics, by their recorded names
	KeepPartitions bool              // send to the recorded partitions

	mu    sync.Mutex // guards what follows
	stats PlayerStats
}

// PlayerStats is what a player has done.
type PlayerStats struct {
	Read    uint64            // records that it came to: sent or refused
	Sent    uint64            // records that Send took
	Refused map[string]uint64 // records that it did not, by reason
	Late    time.Duration     // how far behind its time the newest record was sent
	Latest  time.Duration     // the most of that
}

// Run sends what r has, each record when it is due: its time after the first record, divided by
// Speed, after the start of Run. A record that is late is sent at once. Run returns nil at the end
// of the capture, the error of r, or that of ctx as soon as it ends.
func (p *Player) Run(ctx context.Context, r *Reader) error {
	start := time.Now()
	for {
		rec, err := r.Next()
		switch {
		case ctx.Err() != nil: // it may be why reading has failed
			return ctx.Err()
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		var late time.Duration
		if p.Speed > 0 {
			if late, err = await(ctx, start.Add(p.due(rec.After))); err != nil {
				return err
			}
		}
		err = p.Send(ctx, p.replayed(&rec, r.Header().First))
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return err
		}
		p.count(err, late)
	}
}

// due returns when a record is to be sent, since the start.
func (p *Player) due(after time.Duration) time.Duration {
	const most = float64(math.MaxInt64 / 4) // later than anybody waits
	return time.Duration(max(0, min(float64(after)/p.Speed, most)))
}

// await returns at the time, and how late it is. The error is that of ctx.
func await(ctx context.Context, at time.Time) (late time.Duration, err error) {
	wait := time.Until(at)
	if wait <= 0 {
		return -wait, ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return max(0, time.Since(at)), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// replayed returns rec as it is sent. An audit header is left out: it would count as a copy.
func (p *Player) replayed(rec *Record, first time.Time) producer.Record {
	sent := producer.Record{Topic: rec.Topic, Key: rec.Key, Value: rec.Value}
	if name, ok := p.Rename[rec.Topic]; ok {
		sent.Topic = name
	}
	if p.KeepPartitions {
		sent.Partition = producer.ToPartition(rec.Partition)
	}
	for _, h := range rec.Headers {
		if h.Key != audit.HeaderKey && h.Key != TimeHeader {
			sent.Headers = append(sent.Headers, h)
		}
	}
	at := first.Add(rec.After).UTC().Format(time.RFC3339Nano)
	sent.Headers = append(sent.Headers, producer.Header{Key: TimeHeader, Value: []byte(at)})
	return sent
}

// count notes what Send has answered.
func (p *Player) count(err error, late time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &p.stats
	s.Read++
	s.Late, s.Latest = late, max(s.Latest, late)
	if err == nil {
		s.Sent++
		return
	}
	if s.Refused == nil {
		s.Refused = make(map[string]uint64)
	}
	s.Refused[reasonOf(err)]++
}

// reasonOf returns why a record was refused, without what differs from record to record.
func reasonOf(err error) string {
	for _, known := range []error{producer.ErrBufferFull, producer.ErrRecordTooLarge,
		producer.ErrTooManyTopics, producer.ErrNoRoute, producer.ErrInvalidRecord} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return err.Error()
}

// Stats returns what the player has done. It is safe for concurrent use.
func (p *Player) Stats() PlayerStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Refused = maps.Clone(s.Refused)
	return s
}
