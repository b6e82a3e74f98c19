// Package sink sends encoded log lines as records, and counts and reports the lines that it drops.
package sink

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/logs"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// Settings say where lines go.
type Settings struct {
	Sender  producer.Sender
	Topic   string
	Headers []producer.Header
	// Tell reports drops: at most once a minute, on a goroutine of its own. Nil reports none.
	Tell func(Drops)
	// Shorten returns a line in at most limit bytes, nil if it cannot. Nil means Shorten.
	Shorten func(line []byte, limit int) []byte
}

// Sink sends lines. It is safe for concurrent use.
type Sink struct {
	set       Settings
	sent      atomic.Uint64
	truncated atomic.Uint64
	own       atomic.Uint64
	dropped   [len(reasons)]atomic.Uint64 // by the index of the reason
	teller    teller
}

// reasons are the errors that drops are counted by. An interceptor's error may wrap any other.
var reasons = [...]error{
	producer.ErrIntercepted, producer.ErrBufferFull, producer.ErrRecordTooLarge,
	producer.ErrTooManyTopics, producer.ErrNoRoute, producer.ErrInvalidRecord, producer.ErrClosed,
	logs.ErrNoSender, logs.ErrNotEncoded, logs.ErrRefused,
}

const refused = len(reasons) - 1 // the index of the reason of all other errors

// New returns a Sink. The error names every setting that is wrong.
func New(set Settings) (*Sink, error) {
	var wrong []error
	if set.Sender == nil {
		wrong = append(wrong, errors.New("the sender is nil: give a *producer.Producer"))
	}
	err := (&producer.Record{Topic: set.Topic}).Check()
	if e, ok := errors.AsType[*producer.SendError](err); ok {
		wrong = append(wrong, fmt.Errorf("topic %q: %w: %s", set.Topic, e.Err, e.Hint))
	}
	for i, h := range set.Headers {
		if h.Key == "" {
			wrong = append(wrong, fmt.Errorf("option Headers: header %d has no key: name it", i))
		}
	}
	set.Headers = slices.Clone(set.Headers)
	for i := range set.Headers {
		set.Headers[i].Value = slices.Clone(set.Headers[i].Value)
	}
	if set.Shorten == nil {
		set.Shorten = Shorten
	}
	return &Sink{set: set}, errors.Join(wrong...)
}

// Send sends a line, and counts it, also if the sender panics or calls runtime.Goexit. It keeps
// nothing of line and key.
func (s *Sink) Send(line, key []byte, priority routing.Priority) {
	counted := false
	defer func() {
		if v := recover(); !counted { // v is nil after Goexit
			s.drop(refused, fmt.Errorf("the sender did not return: %v", v))
		}
	}()
	err := s.send(line, key, priority)
	if err != nil && errors.Is(err, producer.ErrRecordTooLarge) {
		err = s.sendShort(line, key, priority, err)
	}
	if err == nil {
		counted = true
		s.sent.Add(1)
		return
	}
	reason := reasonFor(err)
	counted = true
	s.drop(reason, err)
}

// send hands a line to the sender.
func (s *Sink) send(line, key []byte, priority routing.Priority) error {
	return s.set.Sender.Send(producer.Record{Topic: s.set.Topic, Key: key, Value: line,
		Headers: s.set.Headers, Priority: priority})
}

// sendShort sends what Shorten leaves of a line that was refused with err.
func (s *Sink) sendShort(line, key []byte, priority routing.Priority, err error) error {
	e, ok := errors.AsType[*producer.SendError](err)
	if !ok || e.Limit <= 0 {
		return err
	}
	short := s.set.Shorten(line, int(e.Limit-(e.Size-int64(len(line)))))
	if short == nil {
		return err
	}
	if err = s.send(short, key, priority); err == nil {
		s.truncated.Add(1)
	}
	return err
}

// Own counts a line of Forebay's own.
func (s *Sink) Own() { s.own.Add(1) }

// Drop counts a line that is lost because of err.
func (s *Sink) Drop(err error) { s.drop(reasonFor(err), err) }

// reasonFor returns the index of the reason of err. Methods of err may panic.
func reasonFor(err error) int {
	i := slices.IndexFunc(reasons[:], func(reason error) bool { return errors.Is(err, reason) })
	if i < 0 {
		i = refused
	}
	return i
}

func (s *Sink) drop(reason int, err error) {
	s.dropped[reason].Add(1)
	if s.set.Tell != nil {
		s.teller.soon(s, err)
	}
}

// Survive is deferred by who encodes a line. Unless the line was encoded, it has ended with a panic
// or runtime.Goexit: Survive counts it, and ends the panic.
func (s *Sink) Survive(encoded *bool) {
	if v := recover(); !*encoded { // v is nil after Goexit
		s.Drop(fmt.Errorf("%w: panic: %v", logs.ErrNotEncoded, v))
	}
}

// Stats returns the counts.
func (s *Sink) Stats() logs.Stats {
	all := logs.Stats{Sent: s.sent.Load(), Truncated: s.truncated.Load(), Own: s.own.Load(),
		Dropped: make(map[error]uint64)}
	for i := range s.dropped {
		if n := s.dropped[i].Load(); n > 0 {
			all.Dropped[reasons[i]] = n
		}
	}
	return all
}

// Flush waits until the sender has an outcome for every record, or ctx ends. It returns nil at once
// if the sender has no Flush.
func (s *Sink) Flush(ctx context.Context) error {
	if f, ok := s.set.Sender.(interface{ Flush(context.Context) error }); ok {
		return f.Flush(ctx)
	}
	return nil
}

// Log returns a Tell that logs to log.
func Log(log *zap.Logger) func(Drops) {
	return func(d Drops) {
		var byReason []zap.Field
		for reason, n := range d.ByReason {
			byReason = append(byReason, zap.Uint64(reason.Error(), n))
		}
		log.Warn("log lines were dropped", zap.String("topic", d.Topic),
			zap.Uint64("lines", d.Lines), zap.Dict("reasons", byReason...), zap.Error(d.First))
	}
}
