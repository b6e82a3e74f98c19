package drive

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/forebay-go/forebay/bench/client"
)

// caller is the application: one goroutine that calls one client.
type caller struct {
	c       client.Client
	load    *Load
	index   int // of load.instances()
	values  [][]byte
	journal *journal // nil: none
	scratch []byte   // a value that was made anew, where the client gives it back

	calls, refused atomic.Int64

	mu    sync.Mutex // guards what follows; held between calls, and never while a call is timed
	times recorder
	begun time.Time // of the call that is being made; zero: none is
}

// pause is how long a caller waits that was refused. A full buffer takes many times as long to be
// sent.
const pause = time.Millisecond

// run makes the calls and returns when the time is over, or all are made.
func (a *caller) run(start time.Time) {
	if a.load.PerSecond > 0 {
		a.paced(start)
	} else {
		a.flatOut(start)
	}
}

// paced makes each call when it is due. Those that could not be made in time, because one took
// long, follow at once.
func (a *caller) paced(start time.Time) {
	n := float64(a.load.instances())
	perNano := float64(a.load.PerSecond) / n / 1e9
	ahead := float64(a.index) / n // so that instances do not all call at the same time
	for made, tick := int64(0), start; ; {
		elapsed := min(time.Since(start), a.load.For)
		for due := int64(float64(elapsed)*perNano + ahead); made < due; made++ {
			if time.Since(start) > a.load.For+a.load.step() {
				return // these calls were never made
			}
			a.call(made)
		}
		if elapsed >= a.load.For {
			return
		}
		tick = tick.Add(a.load.step())
		time.Sleep(time.Until(tick))
	}
}

// flatOut makes calls one after the other. What is refused is sent again, but where it is measured
// what a full buffer holds.
func (a *caller) flatOut(start time.Time) {
	most := int64(a.load.AtMost / a.load.instances())
	for made := int64(0); most == 0 || made < most; made++ {
		if made%32 == 0 && time.Since(start) > a.load.For {
			return
		}
		for !a.call(made) && !a.load.Held {
			if time.Since(start) > a.load.For {
				return
			}
			time.Sleep(pause)
		}
	}
}

// anew returns a copy of a value: in new memory if the client keeps it until the record is
// delivered, otherwise in the same as before.
func (a *caller) anew(value []byte) []byte {
	if !client.ReturnsValue(a.c) {
		return slices.Clone(value)
	}
	a.scratch = append(a.scratch[:0], value...)
	return a.scratch
}

// call makes call i of this caller and reports whether the client took the record.
func (a *caller) call(i int64) bool {
	seq := uint64(i)*uint64(a.load.instances()) + uint64(a.index)
	topic := a.load.Topics[int(seq)%len(a.load.Topics)]
	value := a.values[int(seq)%len(a.values)]
	if a.journal != nil || a.load.Held { // an event is new memory; who keeps it, pays for it
		value = slices.Clone(value)
		client.Numbered(value, seq)
	} else if a.load.Anew {
		value = a.anew(value)
	}
	if a.journal != nil {
		a.journal.sent[seq].Store(time.Now().UnixNano())
	}
	a.calls.Add(1)
	taken := a.timed(func() bool { return a.c.Send(topic, a.partition(seq), value, seq) })
	if !taken {
		a.refused.Add(1)
		if a.journal != nil {
			a.journal.sent[seq].Store(0)
		}
	}
	return taken
}

func (a *caller) timed(send func() bool) bool {
	if !a.load.Timed {
		return send()
	}
	a.mu.Lock()
	a.begun = time.Now()
	a.mu.Unlock()
	begin := time.Now()
	taken := send()
	took := time.Since(begin)
	a.mu.Lock()
	a.begun = time.Time{}
	a.times.add(took)
	a.mu.Unlock()
	return taken
}

// partition scatters records over the partitions as a random choice would, the same in each run.
func (a *caller) partition(seq uint64) int32 {
	if !a.load.Explicit {
		return 0
	}
	seq *= 0x9e3779b97f4a7c15
	return int32((seq >> 33) % uint64(a.load.Partitions))
}

// latency returns the times of calls so far. A call that has not returned counts with what it has
// taken yet.
func (a *caller) latency() Histogram {
	a.mu.Lock()
	defer a.mu.Unlock()
	times := a.times
	if !a.begun.IsZero() {
		times.add(time.Since(a.begun))
	}
	return times.histogram()
}
