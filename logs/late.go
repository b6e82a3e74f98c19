package logs

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/forebay-go/forebay/producer"
)

// ErrNoSender reports a line that came before Late.Use.
var ErrNoSender = errors.New("no sender yet")

// Late is a producer.Sender that is made before its producer. It is for a producer that logs
// through a handler that sends through this producer. It refuses every record with ErrNoSender
// until Use is called. The zero value is ready. It is safe for concurrent use and must not be
// copied.
type Late struct {
	to atomic.Pointer[producer.Sender]
}

var _ producer.Sender = (*Late)(nil)

// Use sends all later records with s. It replaces the sender that was in use; nil means none.
func (l *Late) Use(s producer.Sender) {
	if s == nil {
		l.to.Store(nil)
		return
	}
	l.to.Store(&s)
}

// Send is the Send of the sender in use.
func (l *Late) Send(rec producer.Record) error {
	if s := l.to.Load(); s != nil {
		return (*s).Send(rec)
	}
	return ErrNoSender
}

// Flush is the Flush of the sender in use. Without one, or if it has no such method, Flush returns
// nil at once.
func (l *Late) Flush(ctx context.Context) error {
	if s := l.to.Load(); s != nil {
		if f, ok := (*s).(interface{ Flush(context.Context) error }); ok {
			return f.Flush(ctx)
		}
	}
	return nil
}
