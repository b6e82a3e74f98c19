package sink

import (
	"sync/atomic"
	"time"
)

// every is how often drops are reported at most.
const every = time.Minute

// Drops are the lines that were dropped since the last report.
type Drops struct {
	Topic    string
	Lines    uint64
	ByReason map[error]uint64
	First    error // why the first of them was dropped
}

// teller reports drops. It needs no goroutine but while a report is made: a timer starts one. A
// report that hangs stops all later ones, and nothing else.
type teller struct {
	busy atomic.Bool // a timer is set, or a report is made

	// what follows belongs to who has set busy
	last time.Time // when the last report began
	told [len(reasons)]uint64
}

// soon has the drops reported now, or a minute after the last report. They began with err.
func (t *teller) soon(s *Sink, err error) {
	if t.busy.Load() || !t.busy.CompareAndSwap(false, true) {
		return
	}
	var wait time.Duration
	if !t.last.IsZero() {
		wait = max(0, every-time.Since(t.last))
	}
	time.AfterFunc(wait, func() { t.report(s, err) })
}

// report makes one report.
func (t *teller) report(s *Sink, first error) {
	defer t.rest(s)
	t.last = time.Now()
	d := Drops{Topic: s.set.Topic, ByReason: make(map[error]uint64), First: first}
	for i := range t.told {
		now := s.dropped[i].Load()
		if n := now - t.told[i]; n > 0 {
			d.ByReason[reasons[i]] = n
			d.Lines += n
		}
		t.told[i] = now
	}
	if d.Lines > 0 {
		s.set.Tell(d)
	}
}

// rest ends a report, however it ended. Lines that were dropped during the report found the teller
// busy, so it looks for them once more.
func (t *teller) rest(s *Sink) {
	_ = recover() // the application's logger is what does not work
	told := t.told
	t.busy.Store(false)
	for i := range told {
		if s.dropped[i].Load() != told[i] {
			t.soon(s, reasons[i])
			return
		}
	}
}
