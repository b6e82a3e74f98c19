package dispatch

import (
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/internal/cluster"
)

// shipment is one produce request.
type shipment struct {
	core    *core
	broker  *brokerState
	way     cluster.Way
	acks    int // which of acks the topics of items have: all the same
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
	stream  *stream
	batch   *buffer.Batch
	attempt *cluster.Attempt
	codec   *buffer.Codec
	tried   bool // it is not the first attempt of its batch
	repeats bool // its batch may have been written with the same numbers before
	gone    bool // its batch was resolved while it was in flight
	written bool // it had been written by then
}

func (s *shipment) add(ts *topicState, st *stream, b *buffer.Batch) {
	it := &item{ship: s, ts: ts, stream: st, batch: b, tried: b.History.Attempts > 0,
		repeats: st.numbers.owner == b, codec: ts.codecFor(s.broker)}
	it.attempt = &cluster.Attempt{Topic: ts.name, Partition: st.id, Records: b.Records(),
		Sequence: st.numbers.next}
	s.items, s.acks = append(s.items, it), ts.acks()
	s.bytes += b.Size()
	s.framing += framed(ts)
	st.flying = it
}

// framed estimates what a batch takes in a request beside its own bytes.
func framed(ts *topicState) int { return len(ts.name) + 32 }

// excludes reports whether batches of ts cannot go with what s has.
func (s *shipment) excludes(ts *topicState) bool {
	return len(s.items) > 0 && s.acks != ts.acks()
}

// has reports whether s has a batch for the same partition. A request can have only one.
func (s *shipment) has(ts *topicState, st *stream) bool {
	return slices.ContainsFunc(s.items, func(it *item) bool {
		return it.ts.name == ts.name && it.stream.id == st.id
	})
}

// takesOpen reports whether s may take batches that are not full.
func (s *shipment) takesOpen() bool { return s.way == cluster.Aside || s.broker.takesOpen() }

// records counts those of s.
func (s *shipment) records() (n int) {
	for _, it := range s.items {
		n += it.attempt.Records
	}
	return n
}

// acknowledged counts the bytes of s that are in the log.
func (s *shipment) acknowledged() (n int) {
	for _, it := range s.items {
		if !it.gone && !it.failed() {
			n += it.batch.Size()
		}
	}
	return n
}

func (s *shipment) orNil() *shipment {
	if len(s.items) == 0 {
		return nil
	}
	return s
}

// travel compresses the batches and sends them.
func (s *shipment) travel() {
	attempts := make([]*cluster.Attempt, len(s.items))
	s.wrote = s.framing
	for i, it := range s.items {
		it.batch.Compress(it.codec)
		a := it.attempt
		a.Body, a.Codec, a.Sum = it.batch.Body(), it.batch.Codec(), it.batch.Sum()
		a.Lent = it.batch.Lent()
		a.BaseTime, a.MaxTime = it.batch.Times()
		attempts[i] = a
		s.wrote += it.batch.Size()
	}
	slices.SortStableFunc(attempts, func(a, b *cluster.Attempt) int {
		return strings.Compare(a.Topic, b.Topic)
	})
	req := s.core.link.Prepare(attempts)
	req.Way, req.Patience = s.way, s.patience
	req.Acks = acks[s.acks]
	s.handed.Store(true)
	s.launched = s.core.engine.clock.Mono()
	s.throttle, s.err = s.core.link.Produce(s.core.ctx, s.broker.ID, req)
	s.landed = s.core.engine.clock.Mono()
	if s.err == nil {
		s.version = req.Version
	}
}

// took returns how long the answer took.
func (s *shipment) took() time.Duration { return s.landed - s.launched }
