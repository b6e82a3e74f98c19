package loadtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/forebay-go/forebay/internal/proctime"
)

// bench takes measurements with one producer.
type bench struct {
	config *Config
	meter  *meter
	sender *sender
	cpu    func() (time.Duration, bool) // of the brokers; false: not at hand
	// dropped returns how many delivery reports the producer has dropped.
	dropped func() uint64
	// waiting says why records have no outcome; "" if nobody knows.
	waiting func() string
	say     func(*Measurement) // called after each measurement
}

// errAway reports that Kafka does not answer, or not any more.
var errAway = errors.New("Kafka does not answer")

// measure sends records at a rate, and waits for their outcomes. readers may be nil. The traffic
// ends early with sending, and the wait with closing. It returns nil if sending ends in the
// warm-up. The error wraps errAway if outcomes do not come; the measurement then has those that
// did.
func (b *bench) measure(sending, closing context.Context, rate float64, readers *crowd, as named) (
	*Measurement, error) {
	m := &Measurement{Name: as.name, Round: as.round, Rate: rate}
	lost := b.dropped()
	t := newTally(b.meter.since(), b.config.WarmUp, b.config.Duration)
	b.meter.now.Store(t)
	end := t.upto
	ended := make(chan *sent, 1)
	go func() { ended <- b.sender.send(sending, t, rate, end) }()
	sleep(sending, t.from-b.meter.since())
	before := b.sample(readers)
	sleep(sending, end-b.meter.since())
	after := b.sample(readers)
	m.difference(&before, &after)
	if readers != nil {
		m.Readers.Lag = readers.lag(closing)
	}
	s := <-ended
	d := t.cut(b.meter.since())
	m.Interrupted = sending.Err() != nil
	err := b.drain(closing, t, s.accepted)
	if m.Interrupted && d == 0 {
		return nil, err
	}
	m.sent(s, d)
	t.fill(m, d)
	m.MegabytesRate = m.DeliveredRate * float64(s.bytes) / float64(max(s.calls, 1)) / 1e6
	m.Open = m.Sent - min(m.Sent, m.Refused+m.Delivered+m.Failed)
	m.check()
	if n := b.dropped() - lost; n > 0 {
		m.problem("%d delivery reports were dropped: set reports.max_bytes higher", n)
	}
	if readers != nil {
		readers.finish(closing, t, m, b.config.Drain)
	}
	m.Verdict, m.MissedBy = b.config.Objective.judge(m)
	b.say(m)
	return m, err
}

// drain waits until all accepted records have an outcome, as long as some come.
func (b *bench) drain(ctx context.Context, t *tally, accepted uint64) error {
	began, dropped := b.meter.since(), b.dropped()
	for ctx.Err() == nil {
		outcomes, last := t.progress()
		if outcomes >= accepted {
			return nil
		}
		if b.meter.since()-max(last, began) > b.config.Drain {
			if b.dropped() > dropped {
				return nil // their outcomes will never be heard
			}
			text := fmt.Sprintf("%d records wait, and none had an outcome for %v",
				accepted-outcomes, b.config.Drain)
			if why := b.waiting(); why != "" {
				text += ": " + why
			}
			return fmt.Errorf("%w: %s", errAway, text)
		}
		sleep(ctx, 5*time.Millisecond)
	}
	return nil
}

// sample is what is counted beside the records, at one moment.
type sample struct {
	at     time.Time
	cpu    time.Duration // of the brokers
	known  bool          // cpu is at hand
	own    time.Duration // of this process
	ours   bool          // own is at hand
	counts readCounts
	n      int // readers
}

func (b *bench) sample(readers *crowd) sample {
	s := sample{at: time.Now()}
	s.cpu, s.known = b.cpu()
	own, err := proctime.Of(os.Getpid())
	s.own, s.ours = own, err == nil
	if readers != nil {
		s.n, s.counts = len(readers.readers), readers.counts()
	}
	return s
}

// difference fills in what happened between two samples.
func (m *Measurement) difference(before, after *sample) {
	d := after.at.Sub(before.at)
	if before.known && after.known {
		m.BrokerCPU = processors(after.cpu-before.cpu, d)
	}
	if before.ours && after.ours {
		m.OwnCPU = processors(after.own-before.own, d)
	}
	if before.n == 0 {
		return
	}
	c := after.counts.minus(&before.counts)
	m.Readers = &ReaderFigures{Readers: before.n, FetchRate: perSecond(c.fetches, d),
		RecordsRate: perSecond(c.records, d), MegabytesRate: perSecond(c.bytes, d) / 1e6,
		Passes: c.passes}
}

// processors returns how many processors worked; nil if nobody knows.
func processors(worked, d time.Duration) *float64 {
	if d <= 0 {
		return nil
	}
	n := worked.Seconds() / d.Seconds()
	return &n
}

// sent fills in what the sender did.
func (m *Measurement) sent(s *sent, d time.Duration) {
	m.Seconds, m.SentRate = d.Seconds(), perSecond(s.within, d)
	m.Sent, m.NotSent, m.Refused = s.calls, s.notSent, s.refused
	m.SenderLate = s.late.latency()
	for reason, n := range s.reasons {
		m.because(reason, n)
	}
}

func (m *Measurement) because(reason string, n uint64) {
	if m.Reasons == nil {
		m.Reasons = make(map[string]uint64)
	}
	m.Reasons[reason] += n
}
