package dispatch

import (
	"time"

	"github.com/forebay-go/forebay/internal/cluster"
)

// launch sends a shipment on the goroutine of a courier.
func (se *sender) launch(s *shipment) {
	if s.patience = s.broker.patience; s.way == cluster.Aside {
		s.broker.aside, s.solo = true, true
	} else {
		s.solo = s.broker.flying == 0
		s.broker.flying++
		s.broker.launches++
		s.number = s.broker.launches
	}
	se.board(s)
	s.broker.aboard[s.way]++
	for _, it := range s.items {
		se.tick++
		it.stream.used = se.tick
		se.overtake(it)
	}
	se.linger.Sent(se.pass.Settings, s.records(), s.bytes, se.pass.now)
	se.inFlight += int64(s.bytes)
	se.overhead.Store(max(se.overhead.Load(), se.inFlight))
	select {
	case se.couriers <- s:
	default: // none is idle
		se.wg.Go(func() { se.courier(s) })
	}
}

// courierIdle is how long a courier waits for another shipment. Its stack has grown to what a
// request takes, and that of a new goroutine would have to grow again: this costs as much as a
// tenth of a small request.
const courierIdle = time.Second

// courier takes a shipment to its broker and waits for the answer, or until its time is over. Then
// it waits for another shipment.
func (se *sender) courier(s *shipment) {
	idle := time.NewTimer(courierIdle)
	defer idle.Stop()
	for {
		s.travel()
		se.mu.Lock()
		se.landed = append(se.landed, s)
		se.mu.Unlock()
		se.outlet.Wake()
		idle.Reset(courierIdle)
		select {
		case s = <-se.couriers:
		case <-idle.C:
			return
		case <-se.ctx.Done():
			return
		}
	}
}

const (
	// ownFor is how long a lane stays with its own connection to a broker when it has needed it. If
	// it needs it again soon afterwards, that is twice as long, up to ownMost.
	ownFor  = 5 * time.Second
	ownMost = time.Minute
	// commonMost is the most bytes of a request on the common connection: it delays other lanes.
	commonMost = 64 << 10
)

// way returns the connection for the next request to b. It returns false if the lane waits for the
// common one.
func (se *sender) way(b *brokerState) (way cluster.Way, ok bool) {
	if b.width.is > 1 {
		return b.emptiest(), true
	}
	if se.pass.now < b.ownUntil {
		return cluster.Own, true
	}
	ok, again := se.cluster.common.May(se.lane.Priority, b.ID, se.pass.now)
	switch {
	case ok:
		return cluster.Common, true
	case again > 0:
		se.pass.by(again)
		return cluster.Common, false
	}
	b.takeOwn(se.pass.now)
	return cluster.Own, true
}

// takeOwn has the requests of the lane go on its own connection to b for some time.
func (b *brokerState) takeOwn(now time.Duration) {
	b.ownFor = min(2*b.ownFor, ownMost)
	if now-b.ownUntil > b.ownFor || b.ownFor == 0 {
		b.ownFor = ownFor
	}
	b.ownUntil = now + b.ownFor
}

// board notes that s goes, and that it goes on another connection if it is too large for the common
// one.
func (se *sender) board(s *shipment) {
	if s.way != cluster.Common {
		return
	}
	if s.bytes+s.framing > commonMost {
		s.way, s.broker.ownUntil = cluster.Own, se.pass.now+ownFor
		return
	}
	se.cluster.common.Sent(se.lane.Priority, s.broker.ID)
}
