package producer

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/internal/cluster"
	"github.com/forebay-go/forebay/partitioner"
	"github.com/forebay-go/forebay/routing"
)

// idleTopic is how long a topic may be without a record before its table is freed.
const idleTopic = 10 * time.Minute

// dispatcher sends the batches of one lane: it takes them when a broker has a free slot, and decides what an answer means
// for them. All of its state belongs to one goroutine, run; requests run on goroutines of their own, which put what they
// learnt into landed and wake it.
type dispatcher struct {
	p        *Producer
	priority routing.Priority
	cfg      PriorityConfig
	lane     *buffer.Lane
	cluster  *cluster.Cluster
	link     *cluster.Link
	log      *zap.Logger

	ctx    context.Context // of the requests; cancelled by Close at its deadline; not a caller's
	cancel context.CancelFunc
	quit   chan struct{} // closed by stop; received by run
	done   chan struct{} // closed by run when it ends
	wg     sync.WaitGroup

	// What follows belongs to run.
	view     *cluster.View
	topics   map[*buffer.Topic]*topicState
	active   []*topicState // those of topics with something that waits or is in flight
	brokers  map[int32]*brokerState
	inFlight int64               // bytes of the shipments on their way
	loads    []*partitioner.Load // of sendOne
	turn     int                 // where in active the next request begins
	tick     uint64              // counts batches that were sent
	incoming []*buffer.Topic
	reaped   time.Duration // when idle topics were last freed
	spoken   map[int16]bool

	counts   counts
	plain    atomic.Bool  // the cluster does not take the compression
	overhead atomic.Int64 // the most bytes that were in flight: kgo copies them, and keeps its buffers

	mu     sync.Mutex // guards what follows
	landed []*shipment
}

func newDispatcher(p *Producer, priority routing.Priority, cfg PriorityConfig, lane *buffer.Lane, c *cluster.Cluster) (*dispatcher, error) {
	link, err := c.NewLink(lane.Wake)
	if err != nil {
		return nil, err
	}
	c.Watch(lane.Wake)
	d := &dispatcher{
		p: p, priority: priority, cfg: cfg, lane: lane, cluster: c, link: link,
		log:     p.log.With(zap.Stringer("priority", priority), zap.String("cluster", c.Name())),
		quit:    make(chan struct{}),
		done:    make(chan struct{}),
		topics:  make(map[*buffer.Topic]*topicState),
		brokers: make(map[int32]*brokerState),
		spoken:  make(map[int16]bool),
	}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	return d, nil
}

func (d *dispatcher) start() { go d.run() }

// run dispatches until stop is called. Each pass looks at everything that waits; between passes it sleeps until something
// happened or falls due.
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
		case <-d.lane.Woken():
		case <-timer.C:
		}
		timer.Reset(d.pass())
	}
}

// pass does everything that can be done now and returns how long nothing will fall due.
func (d *dispatcher) pass() time.Duration {
	d.lane.Arm(false) // before incoming is looked at: from here on, news wakes us
	now := d.p.clock.Mono()
	d.land(now)
	d.admit()
	if v := d.cluster.View(); v != d.view {
		d.adopt(v)
	}
	alarm := alarm{now: now, at: now + time.Minute}
	for _, ts := range d.active {
		d.expire(ts, now, &alarm)
		d.moveUnresolved(ts, now, &alarm)
		d.redeal(ts)
		ts.survey()
	}
	for d.sendOne(now, &alarm) {
	}
	d.settleActive(&alarm)
	d.reap(now)
	return alarm.at - now
}

// alarm is the time of the next pass.
type alarm struct{ now, at time.Duration }

// by asks for a pass at a time. What is due already was looked at in this pass: it is not looked at again before a
// millisecond is over.
func (a *alarm) by(at time.Duration) { a.at = min(a.at, max(at, a.now+time.Millisecond)) }

// admit makes the topics known that got something to send.
func (d *dispatcher) admit() {
	d.incoming = d.lane.Incoming(d.incoming[:0])
	for _, t := range d.incoming {
		ts := d.topics[t]
		if ts == nil {
			ts = &topicState{t: t}
			d.topics[t] = ts
			d.cluster.Want(t.Name())
			if d.view != nil {
				d.adoptTopic(ts)
			}
		}
		d.activate(ts)
	}
	clear(d.incoming)
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
	for id := range v.Brokers {
		if d.brokers[id] == nil {
			d.brokers[id] = &brokerState{Load: partitioner.Load{ID: id}, limit: firstRequest}
		}
	}
	for id, b := range d.brokers {
		if b.usable = v.Usable(id); !b.usable && b.flying == 0 {
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
	v, ok := d.view.Topics[ts.t.Name()]
	if !ok || len(v.Partitions) == 0 {
		return
	}
	if v.ID != ts.id {
		ts.renumber() // it was made again: the brokers of the new one have not seen our numbers
		ts.id = v.ID
	}
	for len(ts.parts) < len(v.Partitions) {
		ts.parts = append(ts.parts, &partition{id: int32(len(ts.parts)), orphan: true, seq: cluster.Unnumbered})
	}
	for i, p := range ts.parts {
		if i < len(v.Partitions) {
			p.lead(d.brokers[v.Partitions[i].Leader])
		} else {
			p.lead(nil) // the topic was made again with fewer
		}
	}
	ts.count = int32(len(v.Partitions))
	ts.stale = append(ts.stale, ts.t.Recount(ts.count)...)
	for _, p := range ts.parts[len(v.Partitions):] {
		d.evacuate(ts, p)
	}
	if len(ts.stale) > 0 {
		d.activate(ts)
	}
}

// evacuate has what is pinned to a partition that is gone wait for another.
func (d *dispatcher) evacuate(ts *topicState, p *partition) {
	if b := p.pinned; b != nil {
		p.pinned, p.orphan = nil, true
		b.History.Unresolved = false
		ts.t.CountDuplicates(b)
		d.giveBack(ts, b)
	}
}

// settleActive forgets the topics that need no attention until they come in again, and sets the alarm for the rest.
func (d *dispatcher) settleActive(alarm *alarm) {
	kept := d.active[:0]
	armed := false
	for _, ts := range d.active {
		if ts.quiet() {
			ts.active = false
			continue
		}
		kept = append(kept, ts)
		for i := range ts.waiting {
			w := &ts.waiting[i]
			if !w.Busy { // else the squeezer wakes us
				alarm.by(w.Oldest + d.cfg.DeliveryTimeout)
			}
			if due := w.OpenSince + d.p.cfg.Batching.Linger; w.Open && due > alarm.now {
				alarm.by(due)
				armed = true
			}
			if w.Sealed && !d.plain.Load() {
				d.p.squeeze.offer(ts.t, d.lane)
			}
		}
	}
	clear(d.active[len(kept):])
	d.active = kept
	if armed {
		d.lane.Arm(true)
	}
}

// reap frees the tables of topics that have been idle, now and then.
func (d *dispatcher) reap(now time.Duration) {
	if now-d.reaped < idleTopic/10 {
		return
	}
	d.reaped = now
	freed := d.lane.Free(now - idleTopic)
	if len(freed) == 0 {
		return
	}
	d.p.ruled.Delete(freed...)
	for _, t := range freed {
		if d.topics[t] != nil {
			d.cluster.Forget(t.Name())
			delete(d.topics, t)
		}
	}
	d.link.Forget()
}

// stop has run give up what is left and end, and waits for that. Nothing is accepted any more.
func (d *dispatcher) stop() {
	d.cancel()
	close(d.quit)
	<-d.done
	d.link.Close()
}

// abandon resolves everything that is left: what may have been written as possibly persisted, the rest as shed.
func (d *dispatcher) abandon() {
	now := d.p.clock.Mono()
	d.land(now)
	d.admit()
	for _, ts := range d.topics {
		for _, p := range ts.parts {
			if p.pinned != nil {
				d.resolve(ts, p.pinned, verdict{outcome: Shed, reason: ReasonClosed, partition: p.id})
				p.pinned = nil
			}
		}
		for _, b := range append(ts.stale, ts.t.TakeAll()...) {
			d.resolve(ts, b, verdict{outcome: Shed, reason: ReasonClosed, partition: b.Partition()})
		}
		ts.stale = nil
	}
}

// resolve ends a batch with the outcome of v, which must not be in flight any more, or revoked. Of what may have been
// written nobody can say that it was shed, expired or rejected: it is possibly persisted.
func (d *dispatcher) resolve(ts *topicState, b *buffer.Batch, v verdict) {
	if v.outcome != Delivered && b.History.MaybeWritten {
		v.outcome = PossiblyPersisted
		if v.reason = ReasonUnanswered; d.lane.Closed() && d.ctx.Err() != nil {
			v.reason = ReasonUnansweredClose
		}
	}
	keep := d.p.reports != nil
	ts.t.Resolve(b, v.outcome, v.reason, keep)
	if !keep {
		return
	}
	v.batch, v.priority, v.cluster, v.at = b, d.priority, d.cluster.Name(), d.p.clock.Mono()
	if v.outcome != Delivered {
		v.offset = -1
		if v.err == nil {
			v.err = ts.lastErr
		}
		if status := d.cluster.Status(); v.err == nil && !status.State.Ready() {
			v.err = fmt.Errorf("cluster %s is %v: %s", d.cluster.Name(), status.State, status.Reason)
		}
	}
	d.p.reports.push(v)
}
