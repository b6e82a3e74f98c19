package audit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/producer"
)

// stating is the part of a source that states what its streams know.
type stating struct {
	waiting  atomic.Int64 // bytes of full parts that are not stated
	farewell atomic.Int32 // the last statement: unsent, underway, delivered
	alive    atomic.Int64 // when the newest sign of life was sent; 0: it has an outcome
	closed   atomic.Bool  // the sender was closed
	watched  atomic.Bool  // the sender is the producer that the source observes
	told     atomic.Int32 // the marker of Close, as farewell
	marked   time.Time    // when it was sent; belongs to Close
	begin    sync.Once
	end      sync.Once
	sender   Sender        // set by Start
	stop     chan struct{} // closed by Close
	done     chan struct{} // closed when the goroutine has ended

	mu sync.Mutex // held while statements are made; never by Send or a callback
}

func (t *stating) init() {
	t.stop, t.done = make(chan struct{}), make(chan struct{})
}

// Start begins to state what became of records, through sender: the producer that the source
// observes, or another one. It returns at once. Later calls do nothing. Close ends it.
func (s *Source) Start(sender Sender) {
	s.state.begin.Do(func() {
		s.state.sender = sender
		go s.keepStating()
	})
}

func (s *Source) keepStating() {
	defer close(s.state.done)
	tick := time.NewTicker(s.cfg.Interval)
	defer tick.Stop()
	for {
		s.stateAll(false)
		select {
		case <-tick.C:
		case <-s.state.stop:
			return
		}
	}
}

// errNotStated reports that Close could not deliver the last statements.
var errNotStated = errors.New("not all statements were delivered")

// Close waits until all records have an outcome, and delivers the last statements through the
// sender of Start, until ctx ends. Call Close of the sender afterwards. Records that are sent later
// have numbers that nobody states. Without Start, Close does nothing.
//
// An error means that some records had no outcome, or that statements were not delivered: at once
// if the sender was closed before. The audit then says that the instance fell silent, and that the
// fate of its last records is unknown; it does not call them lost. Close does not wait for reports
// that the producer has dropped (Reports.MaxBytes), once callbacks return again: its error says how
// many outcomes it has not heard of.
func (s *Source) Close(ctx context.Context) error {
	s.state.begin.Do(func() { close(s.state.done) })
	s.state.end.Do(func() { close(s.state.stop) })
	<-s.state.done
	if s.state.sender == nil {
		return nil
	}
	flushing, stop := context.WithCancel(ctx)
	flushed := s.flush(flushing)
	defer func() {
		stop()
		<-flushed
	}()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !s.stateAll(true) {
		s.mark(flushed)
		if s.state.closed.Load() {
			return fmt.Errorf("close the source %q: %w: %w", s.cfg.Instance, errNotStated,
				producer.ErrClosed)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("close the source %q: %w: %w", s.cfg.Instance, errNotStated,
				ctx.Err())
		}
	}
	if n := s.Stats().Unstated; n > 0 && s.state.told.Load() == delivered {
		return fmt.Errorf("close the source %q: %w: %d outcomes were not reported: set "+
			"reports.max_bytes to more, or have callbacks return sooner", s.cfg.Instance,
			errNotStated, n)
	}
	return nil
}

// flusher is what a *producer.Producer offers beside Send.
type flusher interface {
	Flush(ctx context.Context) error
	Stats() producer.Stats
}

// flush waits, beside the rest of Close, until all records have an outcome. The channel is closed
// when that is over, whether they have or not.
func (s *Source) flush(ctx context.Context) (over <-chan struct{}) {
	done := make(chan struct{})
	f, ok := s.state.sender.(flusher)
	if !ok {
		close(done)
		return done
	}
	go func() {
		defer close(done)
		_ = f.Flush(ctx) // without its outcomes, mark finds out nothing
	}()
	return done
}

// mark finds out whether reports were dropped that Close would wait for. Once all records have an
// outcome, it sends a statement. Reports of low priority come after all others, in their order:
// when that of the statement comes, all that will come have come.
func (s *Source) mark(flushed <-chan struct{}) {
	select {
	case <-flushed:
	default:
		return
	}
	f, ok := s.state.sender.(flusher)
	if !ok || !s.state.watched.Load() || f.Stats().ReportsDropped == 0 ||
		!s.state.told.CompareAndSwap(unsent, underway) {
		return
	}
	s.state.marked = time.Now()
	l := life{instance: s.cfg.Instance, run: s.run, started: s.started, interval: s.cfg.Interval}
	if s.say(l.key(), l.encode(), func(bool) { s.state.told.Store(delivered) }) != nil {
		s.state.told.Store(unsent)
	}
}

// stateAll sends a new version of each statement that has changed. With last it reports whether all
// were delivered, the farewell too.
func (s *Source) stateAll(last bool) (done bool) {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	done = true
	now := BucketOf(time.Now())
	for st := range s.eachStream {
		if !s.stateStream(st, now, last) {
			done = false
		}
	}
	s.makeRoom()
	switch {
	case !last && time.Since(time.Unix(0, s.state.alive.Load())) >= askAgain:
		s.state.alive.Store(time.Now().UnixNano())
		s.sayLife(false)
	case !last:
	case done && s.state.farewell.CompareAndSwap(unsent, underway):
		s.sayLife(true)
	}
	return last && s.state.farewell.Load() == delivered
}

// The states of the farewell.
const (
	unsent = iota
	underway
	delivered
)

// sayLife states that the instance lives, or that it has ended.
func (s *Source) sayLife(ended bool) {
	l := life{instance: s.cfg.Instance, run: s.run, started: s.started, interval: s.cfg.Interval,
		ended: ended, unstated: s.Stats().Unstated}
	answered := func(ok bool) {
		switch {
		case ended && ok:
			s.state.farewell.Store(delivered)
		case ended:
			s.state.farewell.Store(unsent)
		default:
			s.state.alive.Store(0)
		}
	}
	if err := s.say(l.key(), l.encode(), answered); err != nil {
		answered(false)
	}
}

// say sends a statement, and calls answered with whether it was delivered.
func (s *Source) say(key, value []byte, answered func(delivered bool)) error {
	rec := statementTo(s.cfg.StatementTopic, key, value)
	err := s.state.sender.SendFunc(rec, func(r producer.Report) {
		answered(r.Outcome == delivery.Delivered)
	})
	if errors.Is(err, producer.ErrClosed) {
		s.state.closed.Store(true)
	}
	return err
}

// stateStream states what is new of a stream, and reports whether all is delivered.
func (s *Source) stateStream(st *stream, now Bucket, last bool) (done bool) {
	var told time.Time
	if last && s.state.told.Load() == delivered {
		told = s.state.marked
	}
	todo, done := st.unsaid(now, last, told)
	for i := range todo {
		t := &todo[i]
		t.claim.instance, t.claim.run, t.claim.topic = s.cfg.Instance, s.run, st.topic
		value := t.encoded
		if value == nil {
			value = t.claim.encode()
		}
		if t.full && t.encoded == nil {
			s.state.waiting.Add(st.encoded(t.part, value))
		}
		err := s.say(t.claim.key(), value, func(delivered bool) {
			s.state.waiting.Add(-st.answered(t, delivered))
		})
		if err != nil {
			st.answered(t, false) // no room: next time
		}
	}
	return done
}

// makeRoom gives up full parts, of each stream the oldest first, until the rest is within MaxBytes.
func (s *Source) makeRoom() {
	for st := range s.eachStream {
		for s.state.waiting.Load() > s.cfg.MaxBytes {
			freed := st.giveUp()
			if freed == 0 {
				break
			}
			s.state.waiting.Add(-freed)
		}
	}
}
