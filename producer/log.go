package producer

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/forebay-go/forebay/internal/ownline"
)

const (
	logWaiting   = 64 // lines that may wait for a logger that is slow
	logPerMinute = 20 // times that a message is logged in a minute
)

// logger hands lines to the application's logger on a goroutine of its own, so that one that
// blocks, panics, or writes through Send holds nobody up. What it does not take in time is dropped,
// and so is what is said too often.
type logger struct {
	lines chan line     // sent by core, received by run; never closed
	quit  chan struct{} // closed by close
	done  chan struct{} // closed when run returns

	calling atomic.Bool // the application's logger runs

	mu   sync.Mutex // guards what follows
	said map[string]saying
}

// saying is how often a message was logged in the minute that began at since.
type saying struct {
	since time.Time
	times int
}

type line struct {
	core   zapcore.Core
	entry  zapcore.Entry
	fields []zapcore.Field
}

// newLogger returns a logger in front of log, for Forebay's own use, and what ends it.
func newLogger(log *zap.Logger) (*zap.Logger, *logger) {
	l := &logger{
		lines: make(chan line,
			logWaiting), quit: make(chan struct{}), done: make(chan struct{}),
		said: make(map[string]saying),
	}
	go survive(l.run, l.done)
	return log.WithOptions(zap.WrapCore(func(inner zapcore.Core) zapcore.Core {
		return &core{l, inner, []zapcore.Field{ownline.Field()}}
	})), l
}

// may reports whether a message may be logged once more. Messages are constants, so there are few
// of them. (zap has a sampler too, which takes half a megabyte for each logger.)
func (l *logger) may(message string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.said[message]
	if now.Sub(s.since) >= time.Minute {
		s = saying{since: now}
	}
	s.times++
	l.said[message] = s
	return s.times <= logPerMinute
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
	if c.l.may(entry.Message, entry.Time) {
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
