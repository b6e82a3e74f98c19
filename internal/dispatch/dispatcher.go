package dispatch

import (
	"slices"
	"sync"
	"time"

	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/routing"
)

// dispatcher sends the batches of one lane to one cluster: it takes them when a broker has a free
// slot, and decides what an answer means for them. It is a loop on one goroutine, run, to which all
// of its parts belong. Requests run on goroutines of their own, which put what they learnt into
// landed and wake the loop.
type dispatcher struct {
	*core
	placement *placement // which topics and brokers there are
	expiry    *expiry    // what has waited for too long
	dealer    *dealer    // keyed batches that were built for another count of partitions
	splitter  *splitter  // batches that are too large
	sender    *sender    // what goes next, and to which broker
	answers   *answers   // what an answer means
	handover  *handover  // topics that go to another dispatcher

	quit    chan struct{} // closed by finish; received by run
	done    chan struct{} // closed by run when it ends
	halting sync.Once
	unwatch func()
}

func newDispatcher(l *Lane, c *Site, there routing.Fallback) *dispatcher {
	x := newCore(l, c, there)
	splitter, numberer := &splitter{x}, &numberer{x}
	handover := &handover{core: x, idle: make(chan struct{})}
	return &dispatcher{
		core:      x,
		placement: &placement{core: x, handover: handover},
		expiry:    &expiry{x},
		dealer:    &dealer{core: x},
		splitter:  splitter,
		sender: &sender{core: x, splitter: splitter, numberer: numberer,
			couriers: make(chan *shipment)},
		answers:  &answers{core: x, splitter: splitter, said: make(map[int16]bool)},
		handover: handover,
		quit:     make(chan struct{}),
		done:     make(chan struct{}),
		unwatch:  c.Watch(x.outlet.Wake),
	}
}

func (d *dispatcher) start() { go d.run() }

// run dispatches until halt is called. Each pass looks at everything that waits; between passes it
// sleeps until something happens or falls due.
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
		timer.Reset(d.dispatch())
	}
}

// dispatch does everything that can be done now, and returns for how long nothing falls due.
func (d *dispatcher) dispatch() time.Duration {
	d.outlet.Look() // before incoming is looked at: from here on, news wakes us
	d.begin()
	d.answers.land()
	d.placement.admit()
	if v := d.cluster.View(); v != d.view {
		d.placement.adopt(v)
	}
	d.handover.reroute()
	for _, ts := range d.active {
		ts.cfg = ts.t.Config()
		d.expiry.expire(ts)
		d.expiry.moveUnresolved(ts)
		d.dealer.redeal(ts)
		ts.liftLimit(d.pass.now)
		ts.judge(d.pass.Rack, d.zones, d.kept, d.pass.now)
		d.sender.designate(ts)
		ts.survey()
	}
	d.dealer.owe(slices.ContainsFunc(d.active, func(ts *topicState) bool { return ts.cramped }))
	d.sender.testSizes()
	for d.sender.sendOne() || d.sender.widen() {
	}
	d.sender.settleActive()
	d.troubles.complain()
	d.placement.reap()
	d.handover.leave()
	return d.pass.at - d.pass.now
}

// halt has run give up what is in flight and end, and waits for that, whoever calls it. Nothing is
// accepted any more, or nothing for this dispatcher is.
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

// abandon resolves what the dispatcher has taken: what may have been written as possibly persisted,
// the rest as shed. What waits stays.
func (d *dispatcher) abandon() {
	d.dealer.owe(false)
	d.begin()
	d.answers.land()
	for _, ts := range d.topics {
		for _, st := range ts.all {
			if st.pinned != nil {
				d.resolve(ts, st.pinned, Verdict{Outcome: delivery.Shed, Reason: delivery.Closed,
					Partition: st.id})
				st.pinned = nil
			}
		}
		for _, b := range ts.stale {
			d.resolve(ts, b, Verdict{Outcome: delivery.Shed, Reason: delivery.Closed,
				Partition: b.Partition()})
		}
		ts.stale = nil
	}
}
