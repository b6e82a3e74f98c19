package producer

import (
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/internal/dispatch"
	"github.com/forebay-go/forebay/routing"
)

const (
	evictionsPerSend = 8 // at most

	// tellEvery is how often it is logged at most what was lost or refused.
	tellEvery = 5 * time.Second

	// shedsFor is how long a priority counts as shedding after the last loss.
	shedsFor = 10 * time.Second
)

// evictor makes room: for a Send that found none, in its time, and on a goroutine of its own before
// the memory is full. It gives up what waits longest, whole batches, and never what is in flight or
// was written and is not answered.
type evictor struct {
	p *Producer
	// one slot; sent when records are lost or refused, received by run; never closed
	lost chan struct{}
	quit chan struct{} // closed by close
	done chan struct{} // closed by run when it ends

	// One batch is given up at a time, and only while there still is no room: else each of many
	// senders would give one up where one is enough. The holder does no I/O, and calls nobody back.
	mu     sync.Mutex // guards what follows; comes before the locks of topics
	closed bool

	// guards what follows, so that events come in the order of what they tell
	shortMu sync.Mutex
	// monotonic time of the last loss for lack of room, 0: none of late
	short [routing.High + 1]time.Duration

	// What follows belongs to run.
	told  [routing.High + 1]Books // what was known when it was logged last
	since time.Time               // when that was
}

func newEvictor(p *Producer) *evictor {
	return &evictor{p: p, lost: make(chan struct{}, 1), quit: make(chan struct{}),
		done: make(chan struct{})}
}

func (e *evictor) start() { go e.run() }

// close ends the goroutine; from then on nothing is given up to make room.
func (e *evictor) close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	close(e.quit)
	<-e.done
}

// classOf returns the class of a priority in the budget.
func classOf(p routing.Priority) int { return int(p - routing.Low) }

// share gives each priority its part of the budget.
func (p *Producer) share(cfg *Config) {
	for _, priority := range routing.All {
		pc, whole := cfg.Priorities.of(priority), float64(cfg.Buffer.MaxBytes)
		p.budget.SetClass(classOf(priority), int64(pc.GuaranteedShare*whole),
			int64(pc.CeilingShare*whole))
	}
}

// laneOf returns the lane of a topic.
func (p *Producer) laneOf(t *buffer.Topic) *dispatch.Lane {
	return p.setup.Load().lanes[routing.Low+routing.Priority(t.Lane().Config().Class)]
}

// appendFull appends rec where Append has failed for lack of room: it has others make some, a few
// times at most.
func (p *Producer) appendFull(t *buffer.Topic, rec *Record, call any, err error) error {
	l, tries := p.laneOf(t), 0
	n, tight := p.needs(l, t, rec)
	for ; tries < evictionsPerSend && p.evict.makeRoom(l, t, n, err); tries++ {
		if err = p.append(t, rec, call, tight); !errors.Is(err, buffer.ErrFull) {
			return err
		}
		if !tight {
			n = t.Short()
		}
	}
	// what was given up may not be enough for a batch to double, but be more than the record needs
	if tries > 0 {
		err = p.append(t, rec, call, true)
	}
	if errors.Is(err, buffer.ErrFull) {
		t.Refuse()
		p.evict.lack(l, ErrBufferFull.Error())
	}
	return err
}

// needs returns how many bytes are to be had for rec, which found no room in t, and whether that is
// for a small batch: where the open one cannot double any more by what l may hold, although lower
// priorities have room to give up.
func (p *Producer) needs(l *dispatch.Lane, t *buffer.Topic, rec *Record) (n int64, tight bool) {
	look := p.budget.Look(classOf(l.Priority), t.Short())
	if look.Err == nil || look.Borrowed || !look.Lent {
		return t.Short(), false
	}
	r := buffer.Record{Key: rec.Key, Value: rec.Value, Headers: rec.Headers}
	return buffer.SmallBatch(r.FramedSize()), true
}

// makeTable returns the topic called name in l, and has others make room for its table.
func (p *Producer) makeTable(l *dispatch.Lane, name string) (*buffer.Topic, error) {
	for tries := 0; ; tries++ {
		t, err := l.Buffer.Topic(name, p.clock.Mono())
		if !errors.Is(err, buffer.ErrFull) || tries == evictionsPerSend ||
			!p.evict.makeRoom(l, nil, buffer.TableBytes(name), err) {
			return t, err
		}
	}
}

// makeRoom gives up one batch for n bytes that t, which may be nil, did not get in l. It reports
// whether that, or what somebody else has given up meanwhile, makes another try worth while.
func (e *evictor) makeRoom(l *dispatch.Lane, t *buffer.Topic, n int64, why error) bool {
	if errors.Is(why, buffer.ErrOnHold) {
		return false // else one schema that nobody knows would cost others their records
	}
	class := classOf(l.Priority)
	drop := e.p.setup.Load().cfg.Priorities.of(l.Priority).WhenFull == dropOldest
	overShare := errors.Is(why, buffer.ErrOverShare)
	look := e.p.budget.Look(class, n)
	hog := l.Buffer.Hog(look.MayHold)
	if !drop && (overShare || look.Err != nil && !look.Borrowed && (hog == nil || hog == t)) {
		return false // as most often, and then without the lock that all share
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	look = e.p.budget.Look(class, n)
	hog = l.Buffer.Hog(look.MayHold)
	switch {
	case e.closed:
		return false
	case overShare:
		return e.give(t.TakeOldest(), ReasonOverShare)
	case look.Err == nil, look.Borrowed && e.preempt(l.Priority):
		return true
	case hog != nil && hog != t:
		l.Buffer.Curb(hog, e.p.clock.Mono())
		return e.give(hog.TakeOldest(), ReasonOverShare) || drop &&
			e.give(l.Buffer.TakeOldest(), ReasonDroppedOldest)
	case !drop:
		return false
	case hog != nil: // those that hold little keep it
		return e.give(hog.TakeOldest(), ReasonDroppedOldest)
	}
	return e.give(l.Buffer.TakeOldest(), ReasonDroppedOldest)
}

// preempt gives up a batch of the lowest priority below one that holds more than its guarantee, and
// reports whether there was any.
func (e *evictor) preempt(by routing.Priority) bool {
	reason := ReasonPreemptedByHigh
	if by == routing.Medium {
		reason = ReasonPreemptedByMedium
	}
	for priority := routing.Low; priority < by; priority++ {
		l := e.p.setup.Load().lanes[priority]
		if l != nil && e.p.budget.AboveGuarantee(classOf(priority)) &&
			e.give(l.Buffer.TakeOldest(), reason) {
			return true
		}
	}
	return false
}

// give gives a batch up that was taken, and reports whether there was one. The reports of its
// records do without the records: else there would be no room before they were read.
func (e *evictor) give(b *buffer.Batch, reason Reason) bool {
	if b == nil {
		return false
	}
	l := e.p.laneOf(b.Topic())
	outcome, keep := Shed, e.p.options.reports() || b.Called()
	if b.History.MaybeWritten {
		outcome = PossiblyPersisted // the reason is why it was given up all the same
	}
	b.Topic().Resolve(b, outcome, reason, keep)
	if keep {
		b.Shrink()
		cluster, why := l.Why(b.Topic().Name(), b.Partition())
		if h := b.Hold(); h != nil {
			why = dispatch.WaitsForHold(h)
		}
		e.p.reports.push(dispatch.Verdict{
			Batch: b, Outcome: outcome, Reason: reason, Err: why, Priority: l.Priority,
			Cluster: cluster, Partition: b.Partition(), Offset: -1, At: e.p.clock.Mono(),
		})
	}
	e.lack(l, reason.String())
	return true
}

// lack notes that l has lost a record for lack of room.
func (e *evictor) lack(l *dispatch.Lane, reason string) {
	e.shortMu.Lock()
	if e.short[l.Priority] == 0 {
		event := shedding(l)
		event.Reason = reason
		e.p.events.push(event)
	}
	e.short[l.Priority] = max(1, e.p.clock.Mono())
	e.shortMu.Unlock()
	e.lose()
}

// sheds reports whether a priority has lost something of late for lack of room.
func (e *evictor) sheds(priority routing.Priority) bool {
	e.shortMu.Lock()
	defer e.shortMu.Unlock()
	return e.short[priority] != 0
}

// recovering tells of the lanes that have lost nothing for long enough, and reports whether others
// are left.
func (e *evictor) recovering() (left bool) {
	now := e.p.clock.Mono()
	e.shortMu.Lock()
	defer e.shortMu.Unlock()
	for l := range e.p.setup.Load().eachLane {
		last := &e.short[l.Priority]
		switch {
		case *last == 0:
		case now-*last < shedsFor:
			left = true
		default:
			*last = 0
			event := shedding(l)
			event.Kind = EventSheddingOver
			e.p.events.push(event)
		}
	}
	return left
}

// shedding returns the event that says so.
func shedding(l *dispatch.Lane) Event {
	return Event{At: time.Now(), Kind: EventShedding, Priority: l.Priority, Cluster: l.Cluster()}
}

// lose notes that records were lost or refused, to be logged.
func (e *evictor) lose() {
	select {
	case e.lost <- struct{}{}:
	default:
	}
}

// run makes room before it is needed, logs what was lost, and takes samples.
func (e *evictor) run() {
	defer close(e.done)
	e.p.samples.add(e.p.sample())
	sampling := time.NewTicker(sampleEvery)
	defer sampling.Stop()
	timer := time.NewTimer(0)
	timer.Stop()
	lost := e.lost
	for {
		select {
		case class := <-e.p.budget.Pressed():
			e.reclaim(routing.Low + routing.Priority(class))
		case <-lost:
			lost = nil // until it is told
			timer.Reset(tellEvery - time.Since(e.since))
		case <-timer.C:
			lost = e.lost
			e.tell()
			if e.recovering() {
				timer.Reset(tellEvery)
			}
		case <-sampling.C:
			e.p.samples.add(e.p.sample())
		case <-e.quit:
			return
		}
	}
}

// reclaim makes room for a priority until a tenth of the memory is free, or nothing is left that
// may be given up for it.
func (e *evictor) reclaim(priority routing.Priority) {
	for e.p.budget.Lacks(classOf(priority)) && e.preemptOne(priority) {
	}
}

// shrink lowers the bound of the memory. What is held above it is given up by lower priorities, the
// lowest first. What the highest one holds that has had a record, and what is in flight, stays
// until it has an outcome.
func (e *evictor) shrink(limit int64) {
	highest := routing.Low + routing.Priority(e.p.budget.Highest())
	for e.p.budget.Shrink(limit) && e.preemptOne(highest) {
	}
	e.p.budget.SetMax(limit)
}

func (e *evictor) preemptOne(by routing.Priority) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.closed && e.preempt(by)
}

// tell logs what was lost and refused since it did so last: a total for each priority and reason.
func (e *evictor) tell() {
	e.since = time.Now()
	var fields []zap.Field
	for l := range e.p.setup.Load().eachLane {
		topics, sum := l.Buffer.Topics()
		for _, t := range topics {
			books := t.Settled()
			sum.Add(&books)
		}
		if news := newLosses(&e.told[l.Priority], &sum); len(news) > 0 {
			fields = append(fields, zap.Dict(l.Priority.String(), news...))
		}
		e.told[l.Priority] = sum
	}
	if len(fields) > 0 {
		e.p.log.Warn("records were lost or refused", fields...)
	}
}

// newLosses returns what is in now and was not in before, by reason.
func newLosses(before, now *Books) (news []zap.Field) {
	if n := now.Refused - before.Refused; n > 0 {
		news = append(news, zap.Uint64(ErrBufferFull.Error(), n))
	}
	for r := range delivery.Reasons {
		if n := now.Lost(r) - before.Lost(r); n > 0 {
			news = append(news, zap.Uint64(r.String(), n))
		}
	}
	return news
}
