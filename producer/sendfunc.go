package producer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/forebay-go/forebay/internal/dispatch"
)

// SendFunc sends rec as Send does. If it returns nil, fn is called once with the outcome of rec; if
// it returns an error, fn is not called. The rules of WithDelivery apply to fn: one goroutine makes
// all calls and survives panics, and Reports.MaxBytes bounds the reports that wait for a slow
// callback. Reports beyond that are dropped and counted in Stats().ReportsDropped: their functions
// are never called. The callback of WithDelivery, if there is one, is called after fn. With a nil
// fn, SendFunc is Send.
//
// Each such record takes 40 bytes more of the buffer, and fn is kept until the call.
func (p *Producer) SendFunc(rec Record, fn func(Report)) error {
	if fn == nil {
		return p.send(rec, nil)
	}
	return p.send(rec, fn)
}

// ErrNotDelivered reports that a record was accepted and not delivered.
var ErrNotDelivered = errors.New("not delivered")

// SendWait sends rec and waits for its outcome. It is for tools and tests. Services use Send, which
// never waits.
//
// The error is nil if rec was delivered. It is a *SendError if rec was not accepted. It wraps
// ErrNotDelivered if rec has another outcome; Report has the details, but not the record. If ctx
// ends first, the error wraps that of ctx and says what the record waits for. The record then stays
// in the buffer, and may still be delivered, even if ctx had ended before the call. No callback
// delays SendWait, and a callback may call it.
func (p *Producer) SendWait(ctx context.Context, rec Record) (Report, error) {
	tag := rec.Tag
	rec, err := p.intercept(rec)
	if err != nil {
		return Report{}, err
	}
	w := make(waiter, 1)
	if err := p.pass(&rec, w); err != nil {
		return Report{}, err
	}
	select {
	case rep := <-w:
		if p.options.observer != nil {
			rep.Tag = tag
		}
		return rep, rep.Failure()
	case <-ctx.Done():
		return Report{}, fmt.Errorf("send to %q: no outcome yet, the record stays in the buffer: "+
			"%w%s", rec.Topic, ctx.Err(), p.because(rec.Topic))
	}
}

// Failure returns an error that says why the record was not delivered, nil if it was. It wraps
// ErrNotDelivered and Err.
func (r *Report) Failure() error {
	if r.Outcome == Delivered {
		return nil
	}
	err := fmt.Errorf("send to %q (%v): %w: %v: %v", r.Topic, r.Priority, ErrNotDelivered,
		r.Outcome, r.Reason)
	if r.Err != nil {
		err = fmt.Errorf("%w: %w", err, r.Err)
	}
	return err
}

// waiter is the call of a record that SendWait waits for. It has one slot.
type waiter chan Report

// wakeWaiters gives each waiter of a batch its report, and reports whether the batch has functions
// to call.
func (r *reports) wakeWaiters(v *dispatch.Verdict) (called bool) {
	v.Batch.EachCall(func(i int, tag uint64, born time.Duration, call any) {
		switch call := call.(type) {
		case waiter:
			call <- reportOf(v, i, tag, born)
		default:
			called = true
		}
	})
	return called
}

// isFunc reports whether a call is that of SendFunc.
func isFunc(call any) bool {
	_, ok := call.(func(Report))
	return ok
}
