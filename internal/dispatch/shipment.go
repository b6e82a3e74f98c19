package dispatch

import (
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/internal/cluster"
)

// shipment is one produce request on its way.
type shipment struct {
	d       *dispatcher
	broker  *brokerState
	aside   bool // on the connection for slow partitions
	plain   bool // batches go uncompressed
	items   []*item
	bytes   int
	framing int    // and beside them: names, numbers
	most    int    // of both, but for the first batch
	number  uint64 // among the requests to its broker
	solo    bool   // it was the only one on its connection when it was launched
	wrote   int    // bytes on the wire, about; set by travel
	// batches are compressed and attempts complete: from now on an attempt may be revoked
	handed   atomic.Bool
	patience time.Duration // how long the answer is waited for
	launched time.Duration // monotonic times
	landed   time.Duration
	throttle time.Duration // how long the broker wants to be left alone
	version  int16         // of the request, if it was answered
	err      error         // why there was no answer
}

// item is one batch of a shipment.
type item struct {
	ship    *shipment
	ts      *topicState
	p       *partition
	batch   *buffer.Batch
	attempt *cluster.Attempt
	tried   bool // it is not the first attempt of its batch
	repeats bool // its batch may have been written with the same numbers before
	gone    bool // its batch was resolved while it was in flight
	written bool // it had been written by then
}

func (s *shipment) add(ts *topicState, p *partition, b *buffer.Batch) {
	it := &item{ship: s, ts: ts, p: p, batch: b, tried: b.History.Attempts > 0,
		repeats: p.numbers.owner == b}
	it.attempt = &cluster.Attempt{Topic: ts.name, Partition: p.id, Records: b.Records(),
		Sequence: p.numbers.next}
	s.items = append(s.items, it)
	s.bytes += b.Size()
	s.framing += framed(ts)
	p.flying = it
}

// framed is about what a batch takes in a request beside itself.
func framed(ts *topicState) int { return len(ts.name) + 32 }

// has reports whether a batch for the same partition is in s: a request can have only one.
func (s *shipment) has(ts *topicState, p *partition) bool {
	return slices.ContainsFunc(s.items, func(it *item) bool {
		return it.ts.name == ts.name &&
			it.p.id == p.id
	})
}

// takesOpen reports whether batches may join s that are not full.
func (s *shipment) takesOpen() bool { return s.aside || s.broker.takesOpen() }

func (s *shipment) orNil() *shipment {
	if len(s.items) == 0 {
		return nil
	}
	return s
}

// launch sends a shipment on a goroutine of its own, which ends with the answer, or when that is
// not waited for any more.
func (d *dispatcher) launch(s *shipment) {
	s.plain = s.broker.plain
	if s.patience = s.broker.patience; s.aside {
		s.broker.aside, s.solo = true, true
	} else {
		s.solo = s.broker.flying == 0
		s.broker.flying++
		s.broker.launches++
		s.number = s.broker.launches
	}
	for _, it := range s.items {
		d.tick++
		it.p.used = d.tick
		d.overtake(it)
	}
	d.inFlight += int64(s.bytes)
	d.overhead.Store(max(d.overhead.Load(), d.inFlight))
	d.wg.Go(func() {
		s.travel()
		d.mu.Lock()
		d.landed = append(d.landed, s)
		d.mu.Unlock()
		d.outlet.Wake()
	})
}

// overtake tells other lanes that have the topic of a batch whose order matters that it goes before
// what waits there. They are not waited for: a topic often gets a higher priority because the lower
// one does not get on.
func (d *dispatcher) overtake(it *item) {
	if it.batch.Kind() == buffer.Unkeyed {
		return
	}
	for l := range d.engine.host.Lanes {
		if l == d.lane {
			continue
		}
		if t := l.Buffer.Find(it.ts.t.Name()); t != nil {
			t.Overtake(d.cluster.Name(), it.batch.Last())
		}
	}
}

// overtaken reports whether records of a delivered batch may stand behind newer ones of their keys:
// those went by newer settings of the cluster, or with another priority.
func (d *dispatcher) overtaken(it *item) bool {
	switch {
	case it.batch.Kind() == buffer.Unkeyed:
		return false
	case !it.ts.owned && d.succeeded():
		return true
	case !it.ts.t.Overtaken(d.cluster.Name(), it.batch):
		return false
	}
	if !it.ts.crossed {
		it.ts.crossed = true
		d.log.Warn("a topic has records with keys in several priorities; their order is not kept",
			zap.String("topic", it.ts.t.Name()))
	}
	return true
}

// codec returns what batches are compressed with.
func (s *shipment) codec() *buffer.Codec {
	if s.plain {
		return buffer.NoCodec
	}
	return s.d.engine.compressor.codec
}

// anyPlain reports whether some broker does not take the compression: batches are not compressed
// then before it is known where they go.
func (d *dispatcher) anyPlain() bool {
	for _, b := range d.brokers {
		if b.plain {
			return true
		}
	}
	return false
}

// travel compresses the batches and sends them.
func (s *shipment) travel() {
	attempts := make([]*cluster.Attempt, len(s.items))
	s.wrote = s.framing
	for i, it := range s.items {
		it.batch.Compress(s.codec())
		a := it.attempt
		a.Body, a.Codec = it.batch.Body(), it.batch.Codec()
		a.BaseTime, a.MaxTime = it.batch.Times()
		attempts[i] = a
		s.wrote += it.batch.Size()
	}
	slices.SortStableFunc(attempts, func(a,
		b *cluster.Attempt) int {
		return strings.Compare(a.Topic, b.Topic)
	})
	req := s.d.link.Prepare(attempts)
	req.Aside, req.Patience = s.aside, s.patience
	s.handed.Store(true)
	s.launched = s.d.engine.clock.Mono()
	s.throttle, s.err = s.d.link.Produce(s.d.ctx, s.broker.ID, req)
	s.landed = s.d.engine.clock.Mono()
	if s.err == nil {
		s.version = req.Version
	}
}

// took returns how long the answer took.
func (s *shipment) took() time.Duration { return s.landed - s.launched }
