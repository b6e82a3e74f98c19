//go:build soak && unix

package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/internal/faultnet"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
	"github.com/forebay-go/forebay/test/kafkatest"
	"github.com/forebay-go/forebay/test/ledger"
)

// side is one of the two producers, with a network, a ledger and topics of its own.
type side struct {
	name   string
	link   *faultnet.Link
	ledger *ledger.Ledger
	*producer.Producer
	heldMost int64        // bytes that it may hold
	blocked  atomic.Int64 // the time in nanoseconds until which its callback blocks
	topics   []topic
}

// topic is where a share of the records goes.
type topic struct {
	name       string
	partitions int // in the beginning
	weight     int
}

func newSide(t *testing.T, k *kafkatest.Cluster, v *verdict, name string) *side {
	s := &side{name: name, link: faultnet.New(new(net.Dialer).DialContext), ledger: ledger.New()}
	s.topics = []topic{{name + "-one", 1, 1}, {name + "-three", 3, 3}, {name + "-twelve", 12, 5},
		{name + "-grows", 2, 2}}
	for _, topic := range s.topics {
		k.CreateTopic(t, topic.name, topic.partitions)
	}
	cfg := s.config(k, draws("settings of "+name))
	// each lane may be dealing out a batch
	s.heldMost = cfg.Buffer.MaxBytes + int64(3*cfg.Batching.MaxBytes)
	p, err := producer.New(cfg, producer.WithDialer(s.link.Dial), producer.WithDelivery(s.report))
	require.NoError(t, err)
	s.Producer = p
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, _ = p.Close(ctx)
	})
	return s
}

// config draws the settings. Low expires in outages, high does not; "a" compresses and moves, "b"
// does neither.
func (s *side) config(k *kafkatest.Cluster, r *rand.Rand) producer.Config {
	cfg := producer.Config{ClientID: "soak-" + s.name,
		Clusters: map[string]producer.ClusterConfig{"kafka": {Brokers: k.Seeds()}}}
	cfg.Buffer.MaxBytes = pick[int64](r, 4<<20, 16<<20, 64<<20)
	cfg.Reports.MaxBytes = 1 << 30 // none is dropped, however long the callback blocks
	cfg.Batching.Linger = pick[time.Duration](r, 5, 20, 50, 100) * time.Millisecond
	cfg.Batching.MaxBytes = pick(r, 16<<10, 64<<10, 512<<10)
	cfg.Priorities.Low.DeliveryTimeout = between(r, 3*time.Second, 10*time.Second)
	cfg.Priorities.Medium.DeliveryTimeout = between(r, 20*time.Second, time.Minute)
	cfg.Priorities.High.DeliveryTimeout = time.Hour
	move := producer.Never
	if s.name == "a" {
		cfg.Batching.Compression = pick(r, "lz4", "zstd")
		move = time.Second
	}
	cfg.Priorities.Low.MoveUnresolvedAfter, cfg.Priorities.Medium.MoveUnresolvedAfter = move, move
	say("%s: buffer %d MiB, linger %v, batches of %d KiB, compression %q, moves after %v, "+
		"timeouts %v, %v, %v", s.name, cfg.Buffer.MaxBytes>>20,
		cfg.Batching.Linger, cfg.Batching.MaxBytes>>10, cfg.Batching.Compression, move, cfg.Priorities.Low.DeliveryTimeout,
		cfg.Priorities.Medium.DeliveryTimeout, cfg.Priorities.High.DeliveryTimeout)
	return cfg
}

func (s *side) report(r producer.Report) {
	if until := s.blocked.Load(); until != 0 {
		time.Sleep(time.Until(time.Unix(0, until)))
	}
	s.ledger.Report(r)
}

// start starts a goroutine for each priority, so that the records of a key are sent by one, in one
// lane.
func (s *side) start(ctx context.Context, wg *sync.WaitGroup) {
	for _, p := range routing.All {
		wg.Go(func() { s.send(ctx, p, draws(fmt.Sprint("load of ", s.name, p))) })
	}
}

// send sends records of a priority until ctx ends. Every second it draws how many.
func (s *side) send(ctx context.Context, priority routing.Priority, r *rand.Rand) {
	share := map[routing.Priority]float64{routing.Low: 0.4, routing.Medium: 0.4,
		routing.High: 0.2}[priority] / 2
	factors := []float64{0.1, 0.4, 0.5, 1, 1, 1, 1.5, 2.5} // 1 on average
	text := randomText(r)
	last := time.Now()
	for second := 0; ; second++ {
		pace := *rate * share * pick(r, factors...)
		due := 0.0
		for range 50 {
			if !pause(ctx, 20*time.Millisecond) {
				return
			}
			now := time.Now()
			due += min(now.Sub(last), time.Second).Seconds() * pace
			last = now
			for ; due >= 1; due-- {
				// a full buffer is one of the cases
				_ = s.ledger.Send(s.Producer, s.record(priority, r, text))
			}
		}
	}
}

// record draws a record.
func (s *side) record(priority routing.Priority, r *rand.Rand, text []byte) producer.Record {
	topic := s.drawTopic(r)
	rec := producer.Record{Topic: topic.name, Priority: priority}
	switch n := r.IntN(10); {
	case n < 4:
		rec.Key = fmt.Appendf(nil, "%v-%d", priority, r.IntN(300))
	case n == 4:
		rec.Partition = producer.ToPartition(int32(r.IntN(topic.partitions)))
	}
	size := r.IntN(270)
	switch n := r.IntN(100); {
	case n == 0:
		size = r.IntN(5000)
	case n < 5:
		size = 0
	}
	from := r.IntN(len(text) - size)
	rec.Value = text[from : from+size]
	for range max(0, r.IntN(6)-3) {
		rec.Headers = append(rec.Headers, producer.Header{Key: "trace",
			Value: text[from : from+min(size, 10)]})
	}
	if r.IntN(4) == 0 {
		rec.Timestamp = time.Now().Add(-time.Duration(r.Int64N(int64(time.Hour))))
	}
	return rec
}

func (s *side) drawTopic(r *rand.Rand) topic {
	sum := 0
	for _, t := range s.topics {
		sum += t.weight
	}
	n := r.IntN(sum)
	for _, t := range s.topics {
		if n -= t.weight; n < 0 {
			return t
		}
	}
	return s.topics[0]
}

// randomText returns what values are cut from. It compresses about as events do.
func randomText(r *rand.Rand) []byte {
	var text []byte
	for len(text) < 64<<10 {
		text = fmt.Appendf(text, `{"event":%q,"user":%d,"took":%.3f,"path":"/v1/%x"}`,
			pick(r, "view", "click", "buy"), r.IntN(1e6), r.Float64(), r.Uint64())
	}
	return text
}

// bytesPerBroker is about what each broker gets in a second.
func (s *side) bytesPerBroker() float64 {
	bytes := *rate / 2 * 250 / 3
	if s.name == "a" {
		bytes /= 3 // compressed
	}
	return bytes
}

// finish has everything delivered, within the time that a cluster takes which was never away for
// long, and closes the producer.
func (s *side) finish(t *testing.T, v *verdict) {
	begin := time.Now()
	stuck := time.AfterFunc(draining, func() {
		stats := s.Stats()
		v.violated("I10: %s (%s) holds records %v after all faults: %+v; goroutines in %s", s.name,
			health(&stats), draining, stats.Total,
			profile("goroutine", 2))
	})
	defer stuck.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), healing)
	defer cancel()
	if err := s.Flush(ctx); err != nil {
		v.violated("I10: %s: %v", s.name, err)
	}
	stuck.Stop()
	stats := s.Stats()
	say("%s: flushed in %v; %+v", s.name, time.Since(begin).Round(time.Millisecond), stats.Total)
	if summary, err := s.Close(ctx); err != nil {
		v.violated("%s: %v: %v", s.name, summary, err)
	}
}

// judge has the ledger compare everything.
func (s *side) judge(v *verdict) {
	stats := s.Stats()
	for _, problem := range s.ledger.Check(stats.Total) {
		v.violated("%s: %s", s.name, problem)
	}
	tally := s.ledger.Tally()
	refused := uint64(0)
	for _, n := range stats.Refused {
		refused += n
	}
	if refused != tally.Attempted-tally.Accepted {
		v.violated("I3: %s: %d were refused, the producer counted %v", s.name,
			tally.Attempted-tally.Accepted, stats.Refused)
	}
	if stats.ReportsDropped+stats.ReportPanics > 0 {
		v.violated("I4: %s: %d reports dropped, %d panics", s.name, stats.ReportsDropped,
			stats.ReportPanics)
	}
	v.add(s, &tally, &stats)
}

func (v *verdict) add(s *side, t *ledger.Tally, stats *producer.Stats) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.sides = append(v.sides,
		fmt.Sprintf("%s: %d attempted, %d accepted, %v, %d maybe duplicated, %d twice, %.0f "+
			"records a request, %d connections cut, time stamped %v late at most",
			s.name, t.Attempted, t.Accepted, t.Outcomes, t.MaybeDuplicated, t.Twice, stats.RecordsPerRequest(), s.link.Cuts(), t.StalestTime))
	v.attempted += t.Attempted
	v.accepted += t.Accepted
	v.maybeTwice += t.MaybeDuplicated
	v.twice += t.Twice
	v.compared += t.Compared
	v.disordered += t.Disordered
	v.read += t.Read
	v.reusable += stats.OverheadBytes
	v.longestSend = max(v.longestSend, t.LongestSend)
	if v.outcomes == nil {
		v.outcomes = make(map[producer.Outcome]uint64)
	}
	for outcome, n := range t.Outcomes {
		v.outcomes[outcome] += n
	}
}
