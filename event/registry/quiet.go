package registry

import (
	"sync"
	"time"

	"go.uber.org/zap/zapcore"
)

// perMinute is how often a message is logged in a minute.
const perMinute = 20

// quiet is a core that writes no message too often.
type quiet struct {
	zapcore.Core
	times *times
}

type times struct {
	mu    sync.Mutex // guards what follows; not held while logging
	since time.Time  // when the minute began
	of    map[string]int
}

func newQuiet(core zapcore.Core) zapcore.Core { return quiet{core, new(times)} }

// With adds fields to all lines.
func (q quiet) With(fields []zapcore.Field) zapcore.Core {
	return quiet{q.Core.With(fields), q.times}
}

// Check adds the core to those that write the entry, unless it is said too often.
func (q quiet) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if !q.times.may(entry.Message, entry.Time) {
		return checked
	}
	return q.Core.Check(entry, checked)
}

func (t *times) may(message string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.since) >= time.Minute {
		t.since, t.of = now, make(map[string]int)
	}
	t.of[message]++
	return t.of[message] <= perMinute
}
