package dispatch

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/internal/cluster"
	"github.com/forebay-go/forebay/partitioner"
	"github.com/forebay-go/forebay/routing"
)

// dispatcher sends the batches of one lane: it takes them when a broker has a free slot, and
// decides what an answer means for them. All of its state belongs to one goroutine, run; requests
// run on goroutines of their own, which put what they learnt into landed and wake it.
type dispatcher struct {
	engine  *Engine
	lane    *Lane
	outlet  *buffer.Outlet
	cluster *Site
	link    *cluster.Link
	there   routing.Fallback // what topics are called there
	log     *zap.Logger

	ctx     context.Context // of the requests; cancelled by Close at its deadline; not a caller's
	cancel  context.CancelFunc
	quit    chan struct{} // closed by stop; received by run
	done    chan struct{} // closed by run when it ends
	wg      sync.WaitGroup
	idle    chan struct{} // closed by run when d is not used any more and has nothing left to do
	halting sync.Once
	behind  atomic.Bool // a successor of d has come and gone
	unwatch func()

	// What follows belongs to run.
	settings *Settings // of this pass
	routes   *routes   // that the topics were compared with last
	left     bool      // idle is closed
	view     *cluster.View
	// by name: a topic whose table is freed and made again goes on in the state that it had
	topics   map[string]*topicState
	active   []*topicState // those of topics with something that waits or is in flight
	brokers  map[int32]*brokerState
	zones    int     // how many there are, by the racks of the brokers
	inFlight int64   // bytes of the shipments on their way
	loads    []*Load // of sendOne
	turn     int     // where in active the next request begins
	tick     uint64  // counts batches that were sent
	// when a request last took open batches, because one had lingered
	opened   time.Duration
	incoming []*buffer.Topic
	owes     bool          // room is kept for what is to be dealt out
	reaped   time.Duration // when idle topics were last freed
	spoken   map[int16]bool

	troubles troubles
	counts   counts
	acked    atomic.Int64 // monotonic time of the last acknowledgement
	// the most bytes that were in flight: kgo copies them, and keeps its buffers
	overhead atomic.Int64

	mu     sync.Mutex // guards what follows
	landed []*shipment
	books  delivery.Books // of what was resolved here; each record is counted in its topic before
}

func newDispatcher(l *Lane, c *Site, there routing.Fallback) (*dispatcher, error) {
	outlet := buffer.NewOutlet()
	link, err := c.NewLink(outlet.Wake)
	if err != nil {
		return nil, err
	}
	d := &dispatcher{
		engine: l.engine, lane: l, outlet: outlet, cluster: c, link: link, there: there,
		log: l.engine.log.With(zap.Stringer("priority", l.Priority),
			zap.String("cluster", c.Name())),
		unwatch: c.Watch(outlet.Wake),
		quit:    make(chan struct{}),
		done:    make(chan struct{}),
		idle:    make(chan struct{}),
		topics:  make(map[string]*topicState),
		brokers: make(map[int32]*brokerState),
		spoken:  make(map[int16]bool),
	}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	return d, nil
}

func (d *dispatcher) start() { go d.run() }

// run dispatches until stop is called. Each pass looks at everything that waits; between passes it
// sleeps until something happened or falls due.
func (d *dispatcher) run() {
	defer close(d.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-d.quit:
			d.wg.Wait() // nothing is launched any more but by us
			d.abandon()
			return
		case <-d.outlet.Woken():
		case <-d.outlet.Ripe():
		case <-timer.C:
		}
		timer.Reset(d.pass())
	}
}

// pass does everything that can be done now and returns how long nothing will fall due.
func (d *dispatcher) pass() time.Duration {
	d.outlet.Look() // before incoming is looked at: from here on, news wakes us
	now := d.engine.clock.Mono()
	alarm := alarm{now: now, at: now + d.engine.idle/10}
	d.settings = d.lane.settings()
	d.land(now)
	d.admit()
	if v := d.cluster.View(); v != d.view {
		d.adopt(v)
	}
	d.reroute(&alarm)
	for _, ts := range d.active {
		d.expire(ts, now, &alarm)
		d.moveUnresolved(ts, now, &alarm)
		d.redeal(ts, &alarm)
		d.liftLimit(ts, now)
		ts.judge(d.settings.Rack, d.zones)
		d.designate(ts, now)
		ts.survey()
	}
	d.owe(slices.ContainsFunc(d.active, func(ts *topicState) bool { return ts.cramped }))
	d.testSizes(now, &alarm)
	for d.sendOne(now, &alarm) || d.widen() {
	}
	d.settleActive(&alarm)
	d.complain(now, &alarm)
	d.reap(now)
	d.leave()
	return alarm.at - now
}

// alarm is the time of the next pass.
type alarm struct{ now, at time.Duration }

// by asks for a pass at a time. What is due already was looked at in this pass: it is not looked at
// again before a millisecond is over.
func (a *alarm) by(at time.Duration) { a.at = min(a.at, max(at, a.now+time.Millisecond)) }

// admit makes the topics known that got something to send.
func (d *dispatcher) admit() {
	d.incoming = d.outlet.Incoming(d.incoming[:0])
	for _, t := range d.incoming {
		ts := d.topics[t.Name()]
		if ts == nil {
			ts = d.newTopicState(t)
			d.topics[t.Name()] = ts
			d.cluster.Want(ts.name)
		} else if ts.t != t && ts.t.Freed() {
			ts.rebind(t)
		}
		if !ts.owned {
			ts.owned = true
			d.routes = nil // it may have gone elsewhere meanwhile
			if d.view != nil {
				d.adoptTopic(ts)
			}
		}
		d.activate(ts)
	}
	clear(d.incoming)
}

func (d *dispatcher) newTopicState(t *buffer.Topic) *topicState {
	ts := &topicState{t: t, name: d.there.Name(t.Name()), batches: uint64(rand.Uint32()),
		turn: partitioner.Any}
	if len(d.there.Rename) == 0 {
		return ts // no other topic has that name
	}
	taken := make(map[int]bool)
	for _, other := range d.topics {
		if other.name == ts.name {
			taken[other.twin] = true
		}
	}
	for taken[ts.twin] {
		ts.twin++
	}
	return ts
}

func (d *dispatcher) activate(ts *topicState) {
	if !ts.active {
		ts.active = true
		d.active = append(d.active, ts)
	}
}

// adopt takes over a new view of the cluster.
func (d *dispatcher) adopt(v *cluster.View) {
	d.view = v
	racks := make(map[string]bool)
	for id, b := range v.Brokers {
		if d.brokers[id] == nil {
			d.brokers[id] = newBrokerState(id)
		}
		d.brokers[id].rack, d.brokers[id].away = b.Rack, b.Away
		racks[b.Rack] = true
	}
	d.zones = len(racks)
	for id, b := range d.brokers {
		if b.usable = v.Usable(id); !b.usable && b.flying == 0 && !b.aside {
			if _, known := v.Brokers[id]; !known {
				delete(d.brokers, id)
			}
		}
	}
	for _, ts := range d.topics {
		d.adoptTopic(ts)
	}
}

// adoptTopic takes over what the view says of a topic.
func (d *dispatcher) adoptTopic(ts *topicState) {
	v, ok := d.view.Topics[ts.name]
	if !ok || len(v.Partitions) == 0 {
		return
	}
	if v.ID != ts.id {
		ts.renumber() // it was made again: the brokers of the new one have not seen our numbers
		ts.id = v.ID
	}
	for len(ts.parts) < len(v.Partitions) {
		ts.add(int32(len(ts.parts)), 0, nil)
	}
	for _, p := range ts.all {
		if int(p.id) < len(v.Partitions) {
			p.lead(d.brokers[v.Partitions[p.id].Leader])
		} else {
			p.lead(nil) // the topic was made again with fewer
		}
	}
	d.tellCount(ts, int32(len(v.Partitions)))
	ts.count = int32(len(v.Partitions))
	if ts.owned {
		ts.stale = append(ts.stale, ts.t.Recount(ts.count)...)
	}
	for _, p := range ts.all {
		if p.id >= ts.count {
			d.evacuate(ts, p)
		}
	}
	if len(ts.stale) > 0 {
		d.activate(ts)
	}
}

// tellCount says that the number of partitions of a topic has changed, if that moves keys.
func (d *dispatcher) tellCount(ts *topicState, count int32) {
	if ts.count == 0 || ts.count == count || !ts.owned || !ts.t.HasKeys() {
		return
	}
	reason := fmt.Sprintf("partitions: %d, before: %d", count, ts.count)
	d.log.Info("topic has another number of partitions", zap.String("topic", ts.t.Name()),
		zap.Int32("partitions", count), zap.Int32("was", ts.count))
	d.engine.host.Event(Event{Kind: Repartitioned, Priority: d.lane.Priority,
		Cluster: d.cluster.Name(), Topic: ts.t.Name(), Reason: reason})
}

// evacuate has what is pinned to a partition that is gone wait for another.
func (d *dispatcher) evacuate(ts *topicState, p *partition) {
	if b := p.pinned; b != nil {
		p.pinned = nil
		b.History.Unresolved = false
		ts.t.CountDuplicates(b)
		d.giveBack(ts, p, b)
	}
}

// settleActive forgets the topics that need no attention until they come in again, and sets the
// alarm for the rest.
func (d *dispatcher) settleActive(alarm *alarm) {
	kept := d.active[:0]
	armed, plain := false, d.anyPlain()
	for _, ts := range d.active {
		if ts.quiet() {
			ts.active = false
			continue
		}
		kept = append(kept, ts)
		sealed := false
		for i := range ts.waiting {
			w := &ts.waiting[i]
			if !w.Busy { // else the squeezer wakes us
				alarm.by(w.Oldest + d.settings.DeliveryTimeout)
			}
			if due := d.due(w); w.Open && due > alarm.now {
				alarm.by(due)
				armed = true
			}
			if cross := w.Oldest + d.settings.Linger + crossAfter; ts.rack != "" &&
				cross > alarm.now {
				alarm.by(cross)
			}
			sealed = sealed || w.Sealed
		}
		if sealed && !plain {
			d.engine.compressor.offer(ts.t)
		}
	}
	clear(d.active[len(kept):])
	d.active = kept
	if armed {
		d.outlet.Arm()
	}
}

// reap frees the tables of topics that have been idle, now and then.
func (d *dispatcher) reap(now time.Duration) {
	idle := d.engine.idle
	if now-d.reaped < idle/10 {
		return
	}
	d.reaped = now
	if freed := d.lane.Buffer.Free(now - idle); len(freed) > 0 {
		d.engine.host.Freed(freed)
	}
	for name, ts := range d.topics {
		if ts.t.Freed() && ts.quiet() {
			d.cluster.Forget(ts.name)
			d.link.Forget(ts.name)
			delete(d.topics, name)
		}
	}
}

// halt has run give up what is in flight and end, and waits for that, whoever calls it. Nothing is
// accepted any more, or none of it is for d.
func (d *dispatcher) halt() { d.halting.Do(d.finish) }

func (d *dispatcher) finish() {
	d.cancel()
	close(d.quit)
	<-d.done
	d.unwatch()
	for _, ts := range d.topics {
		d.cluster.Forget(ts.name)
	}
	d.link.Close()
}

// abandon resolves what d has taken: what may have been written as possibly persisted, the rest as
// shed. What waits stays.
func (d *dispatcher) abandon() {
	d.owe(false)
	d.settings = d.lane.settings()
	d.land(d.engine.clock.Mono())
	for _, ts := range d.topics {
		for _, p := range ts.all {
			if p.pinned != nil {
				d.resolve(ts, p.pinned, Verdict{Outcome: delivery.Shed, Reason: delivery.Closed,
					Partition: p.id})
				p.pinned = nil
			}
		}
		for _, b := range ts.stale {
			d.resolve(ts, b, Verdict{Outcome: delivery.Shed, Reason: delivery.Closed, Partition: b.Partition()})
		}
		ts.stale = nil
	}
}

// resolve ends a batch with the outcome of v, which must not be in flight any more, or revoked.
func (d *dispatcher) resolve(ts *topicState, b *buffer.Batch, v Verdict) {
	if v.Outcome != delivery.Delivered && v.Err == nil {
		v.Err = d.whyOf(ts, v.Partition)
	}
	d.end(ts.t, b, v)
}

// end is resolve for a topic of which nothing else is known. Of what may have been written nobody
// can say that it was shed, expired or rejected: it is possibly persisted.
func (d *dispatcher) end(t *buffer.Topic, b *buffer.Batch, v Verdict) {
	if v.Outcome != delivery.Delivered && b.History.MaybeWritten {
		v.Outcome = delivery.PossiblyPersisted
		if v.Reason = delivery.Unanswered; d.lane.Buffer.Closed() && d.ctx.Err() != nil {
			v.Reason = delivery.UnansweredClose
		}
	}
	if v.Outcome != delivery.Delivered {
		d.engine.host.Lost()
	}
	keep := d.engine.reports
	t.Resolve(b, v.Outcome, v.Reason, keep)
	d.mu.Lock()
	d.books.Settle(uint64(b.Records()), v.Outcome, v.Reason)
	d.mu.Unlock()
	if !keep {
		return
	}
	v.Batch, v.Priority, v.Cluster, v.At = b, d.lane.Priority, d.cluster.Name(), d.engine.clock.Mono()
	if v.Outcome != delivery.Delivered {
		v.Offset = -1
		if v.Err == nil {
			v.Err = d.why(t.Name(), v.Partition)
		}
	}
	d.engine.host.Report(v)
}
