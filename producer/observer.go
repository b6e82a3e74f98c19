package producer

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

// Observer follows each record from Send to its outcome. Package audit is made for it: it numbers
// records in a header, and states what became of each number.
type Observer interface {
	// Sending is called by Send, after the interceptors and before anything else looks at the
	// record. It may change the record, but not what Key, Value and Headers point to. It runs on
	// the goroutine that calls Send, maybe on several at the same time. If it panics, Send refuses
	// the record with ErrIntercepted.
	Sending(out *Outgoing)

	// Refused is called after Sending if Send is about to return err. A panic of it changes
	// nothing.
	Refused(out *Outgoing, err error)

	// Outcome is called once for each accepted record, before the callbacks of WithDelivery and
	// SendFunc, by the goroutine that makes those calls: their rules apply. It may change the
	// report that they get. SendWait returns the report without the change, but with the Tag that
	// it was given.
	Outcome(report *Report)
}

// WithObserver has o follow all records. Reports.MaxBytes bounds the reports that wait for a slow
// Outcome, or for a slow callback; those beyond it are dropped, and counted in
// Stats().ReportsDropped. Each record takes 16 bytes more of the buffer. If the option is given
// twice, the last one counts.
func WithObserver(o Observer) Option {
	return optionFunc(func(opts *options) { opts.observer = o })
}

// Outgoing is a record on its way through Send. It is valid until Send returns.
type Outgoing struct {
	Record

	// Now is the time of Send by the clock that stamps records: to the millisecond, and up to a
	// millisecond old where records come fast.
	Now time.Time

	limit   int      // of the record, in bytes; 0: none
	headers []Header // memory of Record.Headers after AddHeader
	values  []byte   // memory of their values
}

// Room returns how many bytes of headers the record has room for: Send refuses one that is larger
// than Batching.MaxRecordBytes. A header takes the bytes of its key and value, and up to 16 more.
func (o *Outgoing) Room() int {
	if o.limit == 0 {
		return math.MaxInt
	}
	return max(0, o.limit-about(&o.Record))
}

// AddHeader adds a header to the record, with a copy of value. It allocates nothing in steady
// state.
func (o *Outgoing) AddHeader(key string, value []byte) {
	copy(o.MakeHeader(key, len(value)), value)
}

// MakeHeader adds a header to the record whose value has n bytes, and returns the value: it is to
// be written before Sending returns. It allocates nothing in steady state.
func (o *Outgoing) MakeHeader(key string, n int) (value []byte) {
	from := len(o.values)
	o.values = slices.Grow(o.values, n)[:from+n]
	value = o.values[from : from+n : from+n]
	o.headers = append(append(o.headers[:0], o.Headers...), Header{Key: key, Value: value})
	o.Headers = o.headers
	return value
}

// outgoings may hold memory of callers until the next record, or collection.
var outgoings = sync.Pool{New: func() any { return new(Outgoing) }}

// observe sends rec past the observer.
func (p *Producer) observe(rec *Record, call any) error {
	out := outgoings.Get().(*Outgoing)
	out.Record, out.limit = *rec, p.setup.Load().cfg.Batching.MaxRecordBytes
	out.values = out.values[:0]
	_, wall := p.clock.Now()
	out.Now = time.UnixMilli(wall)
	err := p.sending(out)
	if err != nil {
		err = p.refuse(rec, fmt.Errorf("%w: %w", ErrIntercepted, err), "")
	} else {
		err = p.accept(&out.Record, call)
	}
	if err != nil {
		p.tellRefused(out, err)
	}
	outgoings.Put(out)
	return err
}

// sending calls the observer and survives it.
func (p *Producer) sending(out *Outgoing) (err error) {
	defer p.survived(&err)
	p.options.observer.Sending(out)
	return nil
}

// tellRefused does the same after the record was refused.
func (p *Producer) tellRefused(out *Outgoing, err error) {
	var ignored error
	defer p.survived(&ignored)
	p.options.observer.Refused(out, err)
}
