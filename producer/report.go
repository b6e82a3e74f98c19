package producer

import (
	"bytes"
	"fmt"
	"math"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/internal/dispatch"
	"github.com/forebay-go/forebay/routing"
)

// Report is what became of one accepted record.
type Report struct {
	Tag      uint64 // of the record
	Outcome  Outcome
	Reason   Reason // why it was not delivered
	Err      error  // the last failure of a record that was not delivered; may be nil
	Priority routing.Priority
	Cluster  string
	Topic    string

	// Partition and Offset say where the record was delivered. Offset is -1 if the broker only
	// remembered that it has the batch.
	Partition int32
	Offset    int64

	Attempts int           // how often its batch was written, or may have been
	Waited   time.Duration // from Send to the outcome

	// MaybeDuplicated is set if the record was written again although an earlier attempt may have
	// succeeded.
	MaybeDuplicated bool

	// Record is the record if it was not delivered, else nil. The callback may keep it. Its
	// Priority is the one that it was sent with in the end, and its TTL may be up to 1/32 shorter
	// than the one that Send was given. Record is also nil if the record was given up for its
	// memory (Reason.MadeRoom): keeping it would have made no room. Tag identifies it then. Use
	// Returned, which checks for nil.
	Record *Record
}

// Returned returns the record that was not delivered, and true. It returns an empty record and
// false for a delivered record, and for one that was given up for its memory. The slices are those
// of r.Record.
func (r Report) Returned() (Record, bool) {
	if r.Record == nil {
		return Record{}, false
	}
	return *r.Record, true
}

// reports hands verdicts to the callbacks, one record after the other, on a goroutine of its own:
// those of higher priorities first, so that a priority that floods delays the reports of higher
// ones by no more than a batch.
type reports struct {
	fn       func(Report) // that of WithDelivery; nil: none
	observer Observer     // nil: none
	begin    sync.Once    // starts run when there is something to report
	maxBytes atomic.Int64
	log      *zap.Logger
	panics   atomic.Uint64
	dropped  atomic.Uint64
	calling  atomic.Bool   // a callback runs
	wake     chan struct{} // one slot; sent by push and close, received by run; never closed
	done     chan struct{} // closed when run returns

	// belong to run
	current dispatch.Verdict // the batch that is being told
	told    Report           // the record of it that is being told
	turn    int              // number of the call for a record of it that comes next
	made    int              // calls that were made, by this goroutine or the one before

	// guards what follows; never held while the callback runs
	mu     sync.Mutex
	queues [routing.High + 1][]dispatch.Verdict // by priority
	held   [routing.High + 1]int64              // bytes of their batches
	bytes  int64                                // of all, and of the batch that is being told
	closed bool
}

func newReports(o *options, maxBytes int64, log *zap.Logger) *reports {
	r := &reports{fn: o.delivery, observer: o.observer, log: log, wake: make(chan struct{}, 1),
		done: make(chan struct{})}
	r.maxBytes.Store(maxBytes)
	return r
}

// all reports whether each record is told.
func (r *reports) all() bool { return r.fn != nil || r.observer != nil }

// push takes a batch that was resolved and kept. Beyond the bound the newest reports of lower
// priorities are dropped for it, or else its own.
func (r *reports) push(v dispatch.Verdict) {
	if called := r.wakeWaiters(&v); !r.all() && !called {
		v.Batch.Release()
		return
	}
	r.begin.Do(func() { go survive(r.run, r.done) })
	held := v.Batch.Held()
	r.mu.Lock()
	dropped := r.makeRoomLocked(v.Priority, held)
	if r.bytes+held <= r.maxBytes.Load() {
		r.bytes += held
		r.held[v.Priority] += held
		r.queues[v.Priority] = append(r.queues[v.Priority], v)
	} else {
		dropped = append(dropped, v)
	}
	r.mu.Unlock()
	r.release(dropped)
	r.nudge()
}

// makeRoomLocked takes as many of the newest reports of lower priorities out as are needed for n
// bytes, if that is enough.
func (r *reports) makeRoomLocked(priority routing.Priority, n int64) (out []dispatch.Verdict) {
	excess := r.bytes + n - r.maxBytes.Load()
	if excess <= 0 || excess > r.heldBelowLocked(priority) {
		return nil
	}
	return r.dropLocked(priority, excess)
}

// dropLocked takes the newest reports of priorities below one out, the lowest first, until they
// were of so many bytes.
func (r *reports) dropLocked(below routing.Priority, excess int64) (out []dispatch.Verdict) {
	for lower := routing.Low; lower < below; lower++ {
		for q := &r.queues[lower]; len(*q) > 0 && excess > 0; {
			last := (*q)[len(*q)-1]
			(*q)[len(*q)-1] = dispatch.Verdict{}
			*q = (*q)[:len(*q)-1]
			excess -= last.Batch.Held()
			r.bytes -= last.Batch.Held()
			r.held[lower] -= last.Batch.Held()
			out = append(out, last)
		}
	}
	return out
}

// resize changes the bound. The newest reports above it are dropped, those of lower priorities
// first.
func (r *reports) resize(maxBytes int64) {
	r.mu.Lock()
	r.maxBytes.Store(maxBytes)
	dropped := r.dropLocked(routing.High+1, r.bytes-maxBytes)
	r.mu.Unlock()
	r.release(dropped)
}

// unbound lifts the bound. Close does so: no more records are accepted, so the memory of what is
// left is all that reports can hold.
func (r *reports) unbound() { r.maxBytes.Store(math.MaxInt64) }

// release gives the memory of reports back that were dropped.
func (r *reports) release(dropped []dispatch.Verdict) {
	for _, v := range dropped {
		r.dropped.Add(r.owed(v.Batch))
		v.Batch.Release()
	}
}

// owed returns how many records of a batch have a report: with WithDelivery or an observer all,
// else those of SendFunc.
func (r *reports) owed(b *buffer.Batch) (n uint64) {
	if r.all() {
		return uint64(b.Records())
	}
	b.EachCall(func(_ int, _ uint64, _ time.Duration, call any) {
		if isFunc(call) {
			n++
		}
	})
	return n
}

func (r *reports) heldBelowLocked(priority routing.Priority) (n int64) {
	for lower := routing.Low; lower < priority; lower++ {
		n += r.held[lower]
	}
	return n
}

func (r *reports) nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// close ends run when everything that was pushed has been reported.
func (r *reports) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.begin.Do(func() { close(r.done) }) // there was never anything
	r.nudge()
}

// run reports until close. It begins with what a goroutine has left that a callback has ended.
func (r *reports) run() {
	if r.current.Batch != nil {
		r.report(r.current)
	}
	for {
		v, ok, closed := r.next()
		switch {
		case ok:
			r.report(v)
		case closed:
			return
		default:
			<-r.wake
		}
	}
}

// next takes the oldest verdict of the highest priority.
func (r *reports) next() (v dispatch.Verdict, ok, closed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, priority := range routing.All {
		if q := &r.queues[priority]; len(*q) > 0 {
			v, (*q)[0] = (*q)[0], dispatch.Verdict{}
			*q = (*q)[1:]
			r.held[priority] -= v.Batch.Held()
			return v, true, r.closed
		}
	}
	return v, false, r.closed
}

// report calls the callbacks for each record of a batch, and gives its memory back.
func (r *reports) report(v dispatch.Verdict) {
	r.current, r.turn = v, 0
	held := v.Batch.Held()
	switch {
	case v.Outcome != Delivered && !v.Reason.MadeRoom() && (r.fn != nil || v.Batch.Called()):
		r.returnEach(&v)
	case r.all():
		r.tellEach(&v)
	default:
		v.Batch.EachCall(func(i int, tag uint64, born time.Duration, call any) {
			r.tell(reportOf(&v, i, tag, born), call)
		})
	}
	r.current, r.told, r.made = dispatch.Verdict{}, Report{}, 0
	v.Batch.Release()
	r.mu.Lock()
	r.bytes -= held
	r.mu.Unlock()
}

// tellEach reports each record of a batch, without the record.
func (r *reports) tellEach(v *dispatch.Verdict) {
	var calls map[int]any // by index
	v.Batch.EachCall(func(i int, _ uint64, _ time.Duration, call any) {
		if calls == nil {
			calls = make(map[int]any)
		}
		calls[i] = call
	})
	v.Batch.EachTag(func(i int, tag uint64, born time.Duration) {
		r.tell(reportOf(v, i, tag, born), calls[i])
	})
}

// returnEach reports the records of a batch that was not delivered, with the record.
func (r *reports) returnEach(v *dispatch.Verdict) {
	err := v.Batch.Each(func(i int, rec *buffer.Record, born time.Duration) {
		called := r.fn != nil || isFunc(rec.Call)
		if !called && r.observer == nil {
			return
		}
		rep := reportOf(v, i, rec.Tag, born)
		if called {
			rep.Record = recordOf(rec, v)
		}
		r.tell(rep, rec.Call)
	})
	if err != nil {
		r.log.Error("a batch cannot be read back for its reports",
			zap.String("topic", v.Batch.Topic().Name()), zap.Error(err))
		r.dropped.Add(r.owed(v.Batch))
	}
}

// reportOf returns the report of the record with an index in a batch.
func reportOf(v *dispatch.Verdict, i int, tag uint64, born time.Duration) Report {
	rep := Report{
		Tag: tag, Outcome: v.Outcome, Reason: v.Reason, Err: v.Err, Priority: v.Priority,
		Cluster: v.Cluster, Topic: v.Batch.Topic().Name(), Partition: v.Partition, Offset: -1,
		Attempts: v.Batch.History.Attempts, Waited: v.At - born,
		MaybeDuplicated: v.Batch.History.Counted,
	}
	if v.Outcome == Delivered && v.Offset >= 0 {
		rep.Offset = v.Offset + int64(i)
	}
	return rep
}

// recordOf returns a copy of rec as the caller knows it.
func recordOf(rec *buffer.Record, v *dispatch.Verdict) *Record {
	out := &Record{
		Topic: v.Batch.Topic().Name(), Key: bytes.Clone(rec.Key), Value: bytes.Clone(rec.Value),
		Timestamp: time.UnixMilli(rec.Timestamp), TTL: rec.TTL, Priority: v.Priority, Tag: rec.Tag,
		Hold: v.Batch.Hold(),
	}
	if v.Batch.Kind() == buffer.Explicit {
		out.Partition = ToPartition(v.Batch.Partition())
	}
	for _, h := range rec.Headers {
		out.Headers = append(out.Headers, Header{Key: h.Key, Value: bytes.Clone(h.Value)})
	}
	return out
}

// tell calls the observer, the callback of one record, if it has one, and that of all.
func (r *reports) tell(rep Report, call any) {
	if r.turn >= r.made {
		r.told = rep // else a callback has ended the goroutine after the observer had this one
	}
	if r.observer != nil {
		r.call(nil)
	}
	if fn, ok := call.(func(Report)); ok {
		r.call(fn)
	}
	if r.fn != nil {
		r.call(r.fn)
	}
}

// call calls a callback, or the observer if fn is nil, and survives it, unless that call was made
// before.
func (r *reports) call(fn func(Report)) {
	if r.turn++; r.turn <= r.made {
		return
	}
	r.made = r.turn
	r.calling.Store(true)
	returned := false
	defer func() {
		v := recover()
		r.calling.Store(false)
		if returned {
			return
		}
		if v == nil {
			v = goexit
		}
		if r.panics.Add(1) == 1 {
			r.log.Error("the delivery callback panicked; this is said once",
				zap.String("panic", fmt.Sprint(v)),
				zap.ByteString("stack", debug.Stack()))
		}
	}()
	if fn == nil {
		r.observer.Outcome(&r.told)
	} else {
		fn(r.told)
	}
	returned = true
}
