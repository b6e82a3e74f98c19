package producer

import (
	"slices"
	"sync/atomic"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/forebay-go/forebay/internal/ownline"
)

// logWaiting is how many lines may wait for a logger that is slow.
const logWaiting = 64

// logger hands lines to the application's logger on a goroutine of its own, so that one that
// blocks, panics, or writes through Send holds nobody up. What it does not take in time is dropped,
// and so is what is said too often.
type logger struct {
	lines chan line     // sent by core, received by run; never closed
	quit  chan struct{} // closed by close
	done  chan struct{} // closed when run returns

	calling atomic.Bool // the application's logger runs

	quota ownline.Quota
}

type line struct {
	core   zapcore.Core
	entry  zapcore.Entry
	fields []zapcore.Field
}

// newLogger returns a logger in front of log, for Forebay's own use, and what ends it.
func newLogger(log *zap.Logger) (*zap.Logger, *logger) {
	l := &logger{
		lines: make(chan line, logWaiting),
		quit:  make(chan struct{}), done: make(chan struct{}),
	}
	go survive(l.run, l.done)
	return log.WithOptions(zap.WrapCore(func(inner zapcore.Core) zapcore.Core {
		return &core{l, inner, []zapcore.Field{ownline.Field()}}
	})), l
}

// core is a zapcore.Core that never waits. All that it asks of the application's is asked on the
// goroutine of l: a handler of slog, or a core, may do anything when it is asked for a level or
// given a field.
type core struct {
	l      *logger
	inner  zapcore.Core
	fields []zapcore.Field // of all lines
}

// Enabled says yes, for only the application's core knows.
func (c *core) Enabled(zapcore.Level) bool { return true }

// With adds fields to all lines.
func (c *core) With(fields []zapcore.Field) zapcore.Core {
	return &core{c.l, c.inner, slices.Concat(c.fields, fields)}
}

// Check adds c to those that write the entry, unless it is said too often.
func (c *core) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.l.quota.May(entry.Message, entry.Time) {
		return checked.AddCore(entry, c)
	}
	return checked
}

// Write has the line written soon.
func (c *core) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	select {
	case c.l.lines <- line{c.inner, entry, slices.Concat(c.fields, fields)}:
	default:
	}
	return nil
}

// Sync does nothing: Close has what waits written.
func (c *core) Sync() error { return nil }

func (l *logger) run() {
	for {
		select {
		case n := <-l.lines:
			l.write(n)
		case <-l.quit:
			for len(l.lines) > 0 {
				l.write(<-l.lines)
			}
			return
		}
	}
}

func (l *logger) write(n line) {
	l.calling.Store(true)
	defer l.calling.Store(false)
	n.write()
}

// write writes the line, and survives it. The logger's own Check decides which of its parts get it.
func (n line) write() {
	defer func() { _ = recover() }() // there is nobody to tell: the logger is what does not work
	if !n.core.Enabled(n.entry.Level) {
		return
	}
	if checked := n.core.Check(n.entry, nil); checked != nil {
		checked.Write(n.fields...)
	}
}

// close has what waits written, and ends the goroutine; done is closed then. A logger that hangs
// may never let that happen.
func (l *logger) close() { close(l.quit) }
