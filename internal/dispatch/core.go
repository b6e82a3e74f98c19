package dispatch

import (
	"context"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/internal/cluster"
	"github.com/forebay-go/forebay/routing"
)

// core is what all parts of a dispatcher share. It belongs to the dispatcher's goroutine but for
// what says otherwise.
type core struct {
	engine  *Engine
	lane    *Lane
	outlet  *buffer.Outlet
	cluster *Site
	link    *cluster.Link
	there   routing.Fallback // what topics are called there
	log     *zap.Logger

	ctx    context.Context // of the requests; cancelled by Close at its deadline; not a caller's
	cancel context.CancelFunc
	wg     sync.WaitGroup // of the requests
	behind atomic.Bool    // a successor has come and gone

	pass *pass // the one that is going on
	view *cluster.View
	// by name: a topic whose table is freed and made again goes on in the state that it had
	topics   map[string]*topicState
	active   []*topicState // those of topics with something that waits or is in flight
	brokers  map[int32]*brokerState
	zones    int    // how many there are, by the racks of the brokers
	kept     int    // how many brokers un-keyed records keep to
	inFlight int64  // bytes of the shipments on their way
	tick     uint64 // counts batches that were sent
	linger   Linger

	troubles *troubles
	counts   counts
	acked    atomic.Int64 // monotonic time of the last acknowledgement
	// the most bytes that were in flight: under TLS they are copied, and the buffers kept
	overhead atomic.Int64

	mu     sync.Mutex // guards what follows
	landed []*shipment
	books  delivery.Books // of what was resolved here; each record is counted in its topic before
}

// newCore returns the core of a dispatcher for the records of l that go to c.
func newCore(l *Lane, c *Site, there routing.Fallback) *core {
	outlet := buffer.NewOutlet()
	x := &core{
		engine: l.engine, lane: l, outlet: outlet, cluster: c, link: c.NewLink(outlet.Wake),
		there: there,
		log: l.engine.log.With(zap.Stringer("priority", l.Priority),
			zap.String("cluster", c.Name())),
		pass:    new(pass),
		topics:  make(map[string]*topicState),
		brokers: make(map[int32]*brokerState),
	}
	x.troubles = &troubles{core: x}
	x.ctx, x.cancel = context.WithCancel(context.Background())
	return x
}

// begin begins a pass.
func (c *core) begin() {
	now := c.engine.clock.Mono()
	s := c.lane.settings()
	*c.pass = pass{Settings: s, number: c.pass.number + 1, now: now, at: now + c.engine.idle/10,
		linger: c.linger.In(s)}
	c.outlet.SetLinger(c.pass.linger)
}

func (c *core) activate(ts *topicState) {
	if !ts.active {
		ts.active = true
		c.active = append(c.active, ts)
	}
}

// evacuate has what is pinned to a partition that is gone wait for another.
func (c *core) evacuate(ts *topicState, st *stream) {
	if b := st.pinned; b != nil {
		st.pinned = nil
		b.History.Unresolved = false
		ts.t.CountDuplicates(b)
		c.giveBack(ts, st, b)
	}
}

// anyRefuses reports whether some broker does not take a compression: batches are not compressed
// then before it is known where they go.
func (c *core) anyRefuses(codec *buffer.Codec) bool {
	for _, b := range c.brokers {
		if b.refuses.has(codec.Number()) {
			return true
		}
	}
	return false
}

// giveBack puts a batch of a stream that was not appended where it waits for its next attempt.
// Where the topic goes elsewhere by now, what is newer may have gone there: a batch whose order
// matters stays with its stream.
func (c *core) giveBack(ts *topicState, st *stream, b *buffer.Batch) {
	ordered := b.Kind() != buffer.Unkeyed
	switch stale := b.BuiltForOther(ts.count); {
	case ts.owned && stale:
		ts.stale = append([]*buffer.Batch{b}, ts.stale...) // it is older than all that wait
	case !ts.owned && ordered && !stale && st.pinned == nil:
		st.pinned = b
	default:
		if !ts.owned && ordered {
			c.counts.orderAtRisk.Add(uint64(b.Records()))
		}
		ts.t.Requeue(b)
		if !ts.owned {
			ts.t.Wake() // the dispatcher that has it now
		}
	}
}
