package loadtest

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/forebay-go/forebay/producer"
)

// meter takes the delivery reports of a producer, and gives each to the measurement that its record
// belongs to. The tag of a record is the time at which it was due, since the start of the meter.
type meter struct {
	base    time.Time // of all times below, and with a monotonic clock
	cluster string    // that is measured
	now     atomic.Pointer[tally]
}

func newMeter(cluster string) *meter { return &meter{base: time.Now(), cluster: cluster} }

func (m *meter) since() time.Duration { return time.Since(m.base) }

// report takes the delivery report of a record.
func (m *meter) report(rep producer.Report) {
	if t := m.now.Load(); t != nil {
		t.report(&rep, m.since(), rep.Cluster != m.cluster)
	}
}

// tally counts what becomes of the records of one measurement.
type tally struct {
	start time.Duration // when the first record is due; older ones belong to another measurement
	from  time.Duration // the end of the warm-up

	mu        sync.Mutex    // guards what follows
	upto      time.Duration // the end of the measurement, which is not a part of it
	outcomes  uint64        // of all records, those of the warm-up too
	last      time.Duration // when the newest outcome came
	within    uint64        // deliveries between from and upto, whatever record they are of
	delivered uint64
	failed    uint64
	elsewhere uint64 // deliveries to another cluster
	reasons   map[string]uint64
	ack       histogram
	read      uint64 // records that readers have read
	endToEnd  histogram
}

func newTally(start, warmUp, duration time.Duration) *tally {
	return &tally{start: start, from: start + warmUp, upto: start + warmUp + duration,
		reasons: make(map[string]uint64), ack: newHistogram(), endToEnd: newHistogram()}
}

func (t *tally) report(rep *producer.Report, now time.Duration, elsewhere bool) {
	due := time.Duration(rep.Tag)
	t.mu.Lock()
	defer t.mu.Unlock()
	if due < t.start {
		return
	}
	t.outcomes++
	t.last = now
	delivered := rep.Outcome == producer.Delivered
	if delivered && now >= t.from && now < t.upto {
		t.within++
	}
	switch {
	case due < t.from || due >= t.upto:
	case delivered:
		t.delivered++
		t.ack.record(now - due)
		if elsewhere {
			t.elsewhere++
		}
	default:
		t.failed++
		t.reasons[rep.Reason.String()]++
	}
}

// seen takes the times at which records that a reader has just got were due.
func (t *tally) seen(due []time.Duration, now time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, d := range due {
		if d >= t.from && d < t.upto {
			t.read++
			t.endToEnd.record(now - d)
		}
	}
}

// progress returns how many outcomes there are, and when the newest came.
func (t *tally) progress() (outcomes uint64, last time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.outcomes, t.last
}

// reading returns how many records of the measurement were delivered, and how many times readers
// have got one.
func (t *tally) reading() (delivered, read uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.delivered, t.read
}

// cut ends the measurement early, behind what was due by now, and returns how long it was.
func (t *tally) cut(now time.Duration) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.upto = max(t.from, min(t.upto, now+1))
	return t.upto - t.from
}

// fill copies the counts.
func (t *tally) fill(m *Measurement, d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m.Delivered, m.Failed, m.Ack = t.delivered, t.failed, t.ack.latency()
	m.DeliveredRate = perSecond(t.within, d)
	if t.elsewhere > 0 {
		m.problem("%d records went to another cluster: set audit.cluster to that of their "+
			"priority, or see why it fell back", t.elsewhere)
	}
	for reason, n := range t.reasons {
		m.because(reason, n)
	}
}
