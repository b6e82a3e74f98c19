package producer

import (
	"fmt"
	"runtime/debug"
	"slices"

	"go.uber.org/zap"
)

// WithInterceptor has fn called by Send for each record, before anything else looks at it. fn may
// change the record: add headers, for example, or choose another topic or priority. If it returns
// an error, Send refuses the record with an error that wraps ErrIntercepted and that of fn. A panic
// refuses the record, too, and is counted in Stats().InterceptorPanics and logged once.
//
// fn runs on the goroutine that calls Send, maybe on several at the same time, and Send takes as
// long as it does. It must not change what Key, Value and Headers point to, because that memory is
// the caller's. It replaces them, or appends to Headers. It must not keep the record. If fn calls
// Send, that calls fn again. Priority is Unset where the rules will choose it.
//
// With several of these options, each fn gets the record that the one before has left. A report
// has the record as the interceptors have left it, too.
func WithInterceptor(fn func(*Record) error) Option {
	return optionFunc(func(o *options) {
		if fn != nil {
			o.interceptors = append(o.interceptors, fn)
		}
	})
}

// intercept returns what the interceptors make of rec.
func (p *Producer) intercept(rec Record) (Record, error) {
	before := rec
	for _, fn := range p.options.interceptors {
		// appending must not write into memory of the caller, or of an interceptor before
		rec.Headers = slices.Clip(rec.Headers)
		if err := p.interceptOne(fn, &rec); err != nil {
			return rec, p.refuse(&before, fmt.Errorf("%w: %w", ErrIntercepted, err), "")
		}
	}
	return rec, nil
}

// interceptOne calls an interceptor and survives it.
func (p *Producer) interceptOne(fn func(*Record) error, rec *Record) (err error) {
	defer p.survived(&err)
	return fn(rec)
}

// survived makes a panic of an interceptor an error.
func (p *Producer) survived(err *error) {
	v := recover()
	if v == nil {
		return
	}
	*err = fmt.Errorf("it panicked: %v", v)
	if p.interceptorPanics.Add(1) == 1 {
		p.log.Error("an interceptor panicked; this is said once",
			zap.String("panic", fmt.Sprint(v)), zap.ByteString("stack", debug.Stack()))
	}
}
