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

	// MaxGap is the longest time to wait between two records. A longer one is left out: the record
	// after it is sent at once, and those that follow keep their distance to it. 0 waits for all.
	MaxGap time.Duration

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
	Gaps    uint64            // that were left out: see Player.MaxGap
	Gap     time.Duration     // the longest of them, as recorded
	Due     time.Time         // when the record is due that the player waits for
}

// Run sends what r has, each record when it is due: its time after the first record, divided by
// Speed, after the start of Run. A record that is late is sent at once. Run returns nil at the end
// of the capture, the error of r, or that of ctx as soon as it ends.
func (p *Player) Run(ctx context.Context, r *Reader) error {
	start, line := time.Now(), p.timeline()
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
			after, gap := line.at(rec.After)
			at := start.Add(p.due(after))
			p.note(at, gap)
			if late, err = await(ctx, at); err != nil {
				p.note(time.Time{}, 0)
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

// timeline returns one whose gaps take no more than MaxGap.
func (p *Player) timeline() *timeline {
	const most = float64(math.MaxInt64 / 4)
	return &timeline{longest: time.Duration(min(float64(p.MaxGap)*p.Speed, most))}
}

// note notes when the next record is due, and a gap that was left out before it.
func (p *Player) note(due time.Time, gap time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.Due = due
	if gap > 0 {
		p.stats.Gaps++
		p.stats.Gap = max(p.stats.Gap, gap)
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
	s.Due = time.Time{}
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
