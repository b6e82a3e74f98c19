package producertest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/forebay-go/forebay/producer"
)

// Recorder is a producer.Sender that keeps what it gets.
type Recorder struct {
	// Delivery is called with the outcome of each accepted record, as with producer.WithDelivery:
	// on another goroutine, one call after the other. Set it before the first Send.
	Delivery func(producer.Report)

	mu       sync.Mutex // guards what follows; not held while a callback runs
	records  []producer.Record
	refused  []producer.Record
	scripts  map[string]*script
	held     []accepted
	offsets  map[string]int64
	lost     map[producer.Reason]uint64
	calls    []func()      // of callbacks that are due
	calling  bool          // a goroutine makes them
	changed  chan struct{} // closed when calls or held have become fewer; nil: nobody waits
	closed   bool
	finished uint64 // records that were delivered
}

var _ producer.Sender = (*Recorder)(nil)

// accepted is a record that waits for its outcome.
type accepted struct {
	record producer.Record
	tell   []func(producer.Report)
	sent   time.Time
}

// Send is Producer.Send. It keeps a copy of rec, or returns the error that a script names. Like a
// producer, it refuses records that Kafka would not take for their topic or partition, and all
// records after Close. It knows no settings, so it has no limits.
func (r *Recorder) Send(rec producer.Record) error { return r.send(rec, nil) }

// SendFunc is Producer.SendFunc.
func (r *Recorder) SendFunc(rec producer.Record, fn func(producer.Report)) error {
	return r.send(rec, fn)
}

// SendWait is Producer.SendWait.
func (r *Recorder) SendWait(ctx context.Context, rec producer.Record) (producer.Report, error) {
	told := make(chan producer.Report, 1)
	if err := r.send(rec, func(rep producer.Report) { told <- rep }); err != nil {
		return producer.Report{}, err
	}
	select {
	case rep := <-told:
		return rep, rep.Failure()
	case <-ctx.Done():
		return producer.Report{}, fmt.Errorf("send to %q: no outcome yet: %w (a script holds it)",
			rec.Topic, ctx.Err())
	}
}

func (r *Recorder) send(rec producer.Record, fn func(producer.Report)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	step := Refuse(producer.ErrClosed)
	if !r.closed {
		step = r.nextLocked(rec.Topic)
	}
	err := rec.Check()
	if err == nil && step.refusal != nil {
		err = &producer.SendError{Topic: rec.Topic, Priority: rec.Priority, Err: step.refusal}
	}
	rec = clone(rec)
	if err != nil {
		r.refused = append(r.refused, rec)
		return err
	}
	r.records = append(r.records, rec)
	a := accepted{record: rec, sent: time.Now()}
	for _, f := range []func(producer.Report){fn, r.Delivery} {
		if f != nil {
			a.tell = append(a.tell, f)
		}
	}
	if step.holds {
		r.held = append(r.held, a)
	} else {
		r.resolveLocked(a, step)
	}
	return nil
}

// clone returns a copy of rec that shares no memory with it.
func clone(rec producer.Record) producer.Record {
	rec.Key, rec.Value = bytes.Clone(rec.Key), bytes.Clone(rec.Value)
	rec.Headers = slices.Clone(rec.Headers)
	for i := range rec.Headers {
		rec.Headers[i].Value = bytes.Clone(rec.Headers[i].Value)
	}
	return rec
}

// Release ends the records that a script holds: what becomes of them says step.
func (r *Recorder) Release(step Step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.held {
		r.resolveLocked(a, step)
	}
	r.held = nil
	r.noteLocked()
}

// resolveLocked gives a record its outcome, and has its callbacks called.
func (r *Recorder) resolveLocked(a accepted, step Step) {
	rec, rep := a.record, step.report
	rep.Tag, rep.Topic, rep.Priority = rec.Tag, rec.Topic, rec.Priority
	rep.Waited = time.Since(a.sent)
	if rep.Partition, _ = rec.Partition.Number(); rep.Outcome == producer.Delivered {
		r.deliverLocked(&rep)
	} else {
		rep.Offset = -1
		if r.lost == nil {
			r.lost = make(map[producer.Reason]uint64)
		}
		r.lost[rep.Reason]++
		if !rep.Reason.MadeRoom() {
			back := clone(rec)
			rep.Record = &back
		}
	}
	for _, fn := range a.tell {
		r.calls = append(r.calls, func() { fn(rep) })
	}
	if len(r.calls) > 0 && !r.calling {
		r.calling = true
		go r.call()
	}
}

// deliverLocked says in a report where its record is: in partition 0 unless the record names one,
// behind the records that were delivered to the topic before.
func (r *Recorder) deliverLocked(rep *producer.Report) {
	if r.offsets == nil {
		r.offsets = make(map[string]int64)
	}
	rep.Partition = max(0, rep.Partition)
	rep.Offset, rep.Attempts = r.offsets[rep.Topic], 1
	r.offsets[rep.Topic]++
	r.finished++
}

// call calls the callbacks that are due.
func (r *Recorder) call() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.calls) > 0 {
		r.unlocked(r.calls[0])
		r.calls = r.calls[1:]
	}
	r.calling = false
	r.noteLocked()
}

// unlocked calls fn without the lock.
func (r *Recorder) unlocked(fn func()) {
	r.mu.Unlock()
	defer r.mu.Lock()
	fn()
}

// noteLocked wakes those who wait for records or callbacks.
func (r *Recorder) noteLocked() {
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
}

// Flush is Producer.Flush: it returns when every record has an outcome. It also waits for the
// callbacks. If a script holds records, it waits for Release.
func (r *Recorder) Flush(ctx context.Context) error {
	for {
		r.mu.Lock()
		held := len(r.held)
		if held == 0 && !r.calling {
			r.mu.Unlock()
			return nil
		}
		if r.changed == nil {
			r.changed = make(chan struct{})
		}
		changed := r.changed
		r.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("flush: %w (a script holds %d records)", ctx.Err(), held)
		}
	}
}

// Close is Producer.Close. What a script holds when ctx ends is shed.
func (r *Recorder) Close(ctx context.Context) (producer.Summary, error) {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	err := r.Flush(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	left := len(r.held)
	for _, a := range r.held {
		r.resolveLocked(a, Lose(producer.Shed, producer.ReasonClosed))
	}
	r.held = nil
	s := producer.Summary{Accepted: uint64(len(r.records)), Delivered: r.finished,
		Lost: make(map[producer.Reason]uint64), Left: uint64(left)}
	for reason, n := range r.lost {
		s.Lost[reason] = n
	}
	if left > 0 {
		return s, fmt.Errorf("close: %w: %d: %w", producer.ErrLeft, left, err)
	}
	return s, nil
}

// Reset forgets all records, scripts and offsets, and opens a closed Recorder again.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records, r.refused, r.scripts, r.held = nil, nil, nil, nil
	r.offsets, r.lost, r.finished, r.closed = nil, nil, 0, false
	r.noteLocked()
}

// Records returns the records that were accepted, in the order of Send: those of the named topics,
// or all. A record without a priority has routing.Unset: a Recorder has no rules.
func (r *Recorder) Records(topics ...string) []producer.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return ofTopics(r.records, topics)
}

// Refused returns the records that were refused, in the order of Send: those of the named topics,
// or all.
func (r *Recorder) Refused(topics ...string) []producer.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return ofTopics(r.refused, topics)
}

func ofTopics(records []producer.Record, topics []string) (found []producer.Record) {
	for _, rec := range records {
		if len(topics) == 0 || slices.Contains(topics, rec.Topic) {
			found = append(found, clone(rec))
		}
	}
	return found
}
