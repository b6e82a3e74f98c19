package producertest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/producer"
)

// Recorder is a producer.Sender that keeps what it gets.
type Recorder struct {
	// Delivery is called with the outcome of each accepted record, as with producer.WithDelivery:
	// on another goroutine, one call after the other. A panic in it is not caught, so it ends the
	// test. Set it before the first Send.
	Delivery func(producer.Report)

	mu       sync.Mutex // guards what follows; not held while a callback runs
	records  []producer.Record
	refused  []producer.Record
	scripts  map[string]*script
	held     []accepted
	onHold   []onHold
	offsets  map[string]int64
	lost     map[producer.Reason]uint64
	calls    []func()      // of callbacks that are due
	calling  bool          // a goroutine makes them
	changed  chan struct{} // closed when calls or held have become fewer; nil: nobody waits
	closed   bool
	finished uint64 // records that were delivered

	leftOnHold uint64 // records that Close found on hold
}

var _ producer.Sender = (*Recorder)(nil)

// accepted is a record that waits for its outcome.
type accepted struct {
	record producer.Record
	told   chan producer.Report // of SendWait, with one slot; else nil
	tell   []func(producer.Report)
	sent   time.Time
}

// Send is Producer.Send. It keeps a copy of rec, or returns the error that a script names. Like a
// producer, it refuses invalid records (Record.Check), and all records after Close. It knows no
// settings, so it has no limits. A TTL is recorded and otherwise ignored: scripts decide what
// expires.
func (r *Recorder) Send(rec producer.Record) error { return r.send(rec, nil, nil) }

// SendFunc is Producer.SendFunc.
func (r *Recorder) SendFunc(rec producer.Record, fn func(producer.Report)) error {
	return r.send(rec, nil, fn)
}

// SendWait is Producer.SendWait. No callback delays it. If ctx has ended, it still returns the
// outcome, unless a script or a Hold holds the record.
func (r *Recorder) SendWait(ctx context.Context, rec producer.Record) (producer.Report, error) {
	told := make(chan producer.Report, 1)
	if err := r.send(rec, told, nil); err != nil {
		return producer.Report{}, err
	}
	select {
	case rep := <-told:
		return rep, rep.Failure()
	default:
	}
	select {
	case rep := <-told:
		return rep, rep.Failure()
	case <-ctx.Done():
		why := "a script holds it"
		if rec.Hold != nil {
			why = "it is kept back for " + rec.Hold.String()
		}
		return producer.Report{}, fmt.Errorf("send to %q: no outcome yet: %w (%s)", rec.Topic,
			ctx.Err(), why)
	}
}

func (r *Recorder) send(rec producer.Record, told chan producer.Report,
	fn func(producer.Report)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	step, err := r.stepLocked(&rec)
	rec = clone(rec)
	if err != nil {
		r.refused = append(r.refused, rec)
		return err
	}
	r.records = append(r.records, rec)
	a := accepted{record: rec, told: told, sent: time.Now()}
	for _, f := range []func(producer.Report){fn, r.Delivery} {
		if f != nil {
			a.tell = append(a.tell, f)
		}
	}
	if !r.keepLocked(&a, step) {
		r.settleLocked(a, step)
	}
	return nil
}

// settleLocked gives a record its outcome, or holds it as its script says.
func (r *Recorder) settleLocked(a accepted, step Step) {
	if step.holds {
		r.held = append(r.held, a)
	} else {
		r.resolveLocked(a, step)
	}
}

// stepLocked returns what becomes of rec, or the error that refuses it.
func (r *Recorder) stepLocked(rec *producer.Record) (Step, error) {
	if err := rec.Check(); err != nil {
		return Step{}, err
	}
	step := Refuse(producer.ErrClosed)
	if !r.closed {
		step = r.nextLocked(rec.Topic)
	}
	if step.refusal != nil {
		return step, &producer.SendError{Topic: rec.Topic, Priority: rec.Priority,
			Err: step.refusal}
	}
	return step, nil
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

// Release gives the records that a script holds their outcome: that of Deliver, Lose or Expire. It
// panics with another step.
func (r *Recorder) Release(step Step) {
	if step.report.Outcome == delivery.Pending {
		panic("producertest: Release needs Deliver, Lose or Expire")
	}
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
	if a.told != nil {
		a.told <- rep
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
	defer r.calledLocked()
	for len(r.calls) > 0 {
		fn := r.calls[0]
		r.calls = r.calls[1:]
		r.unlocked(fn)
	}
}

// calledLocked ends call. If a callback has ended its goroutine, as a failed require does, another
// one makes the calls that are left.
func (r *Recorder) calledLocked() {
	if len(r.calls) > 0 {
		go r.call()
		return
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

// Flush is Producer.Flush: it returns when every record has an outcome. If a script holds records,
// it waits for Release, and if they have a Hold, for that of the Hold. Unless a callback calls it,
// it also waits for the callbacks.
func (r *Recorder) Flush(ctx context.Context) error {
	inCallback := r.inCallback()
	for {
		r.mu.Lock()
		why := r.waitsLocked()
		if why == "" && (inCallback || !r.calling) {
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
			if why == "" {
				why = "a callback has not returned"
			}
			return fmt.Errorf("flush: %w (%s)", ctx.Err(), why)
		}
	}
}

// Close is Producer.Close. What a script or a Hold holds when ctx ends is shed, and Close does not
// wait for the callbacks of these records: Flush does.
func (r *Recorder) Close(ctx context.Context) (producer.Summary, error) {
	if r.inCallback() {
		return producer.Summary{}, fmt.Errorf("close: called by a delivery callback: %w",
			producer.ErrInCallback)
	}
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	err := r.Flush(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	left := len(r.held) + len(r.onHold)
	r.loseOnHoldLocked()
	for _, a := range r.held {
		r.resolveLocked(a, Lose(producer.Shed, producer.ReasonClosed))
	}
	r.held = nil
	s := producer.Summary{Accepted: uint64(len(r.records)), Delivered: r.finished,
		Lost: make(map[producer.Reason]uint64),
		Left: r.lost[producer.ReasonClosed] + r.lost[producer.ReasonUnansweredClose] +
			r.leftOnHold}
	for reason, n := range r.lost {
		s.Lost[reason] = n
	}
	if left > 0 {
		return s, fmt.Errorf("close: %w: %d: %w", producer.ErrLeft, left, err)
	}
	return s, nil
}

// Reset forgets all records, scripts and offsets, and opens a closed Recorder again. What a script
// or a Hold holds gets no outcome. Callbacks of records that have one are still called: Flush
// before Reset.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range r.onHold {
		buffer.Leave(o.record.Hold, keeper{r})
	}
	r.records, r.refused, r.scripts, r.held, r.onHold = nil, nil, nil, nil, nil
	r.offsets, r.lost, r.finished, r.leftOnHold, r.closed = nil, nil, 0, 0, false
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
