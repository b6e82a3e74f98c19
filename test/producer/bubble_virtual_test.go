//go:build synctests

package producer_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/ledger"
	"github.com/forebay-go/forebay/test/proof"
)

// bubble is a producer in virtual time, the embedded Kafka that it sends to, and the ledger that
// judges it.
type bubble struct {
	t      *testing.T
	real   bool // time is
	k      *embedded
	p      *producer.Producer
	ledger *ledger.Ledger
	proof  *proof.Case
	logs   *observer.ObservedLogs
	// nil, or called with every report; set it before the first record is sent
	also   func(producer.Report)
	topics map[string]int32 // those that are judged; see create
	// those of them that got more partitions, so that a key may be in several
	grown map[string]bool

	// of records that the ledger does not know, whose tags begin at apart
	apart map[uint64]producer.Report

	// What follows is written by the goroutine of the callback; read it after rest.
	longest map[string]time.Duration // from Send to delivery, by topic
	last    map[string]time.Time     // when something was delivered last, by topic
}

// setup says what a bubble is made of.
type setup struct {
	brokers int              // 0: two
	topics  map[string]int32 // nil: "events", with three partitions
	kafka   []kfake.Opt
	change  func(*producer.Config)
	options []producer.Option // come last
	before  func(*bubble)     // called before there is a producer
	anyTime bool              // the time that records are stamped with is the test's to check
	real    bool              // time is real: a call of Send takes some
}

// judged runs load, then has everything delivered or given up, and the ledger check all of it, for
// c. In virtual time no time passes in a call that does not wait, so a call of Send that took any
// has waited for something.
func judged(t *testing.T, c *proof.Case, s setup, load func(*bubble)) producer.Stats {
	if s.topics == nil {
		s.topics = map[string]int32{"events": 3}
	}
	if s.brokers == 0 {
		s.brokers = 2
	}
	k := newEmbedded(t, s.brokers, s.topics, s.kafka...)
	defer k.Close()
	k.dealLeaders(t, s.topics)
	b := &bubble{t: t, real: s.real, k: k, ledger: ledger.New(), proof: c,
		topics: maps.Clone(s.topics), grown: make(map[string]bool), apart: make(map[uint64]producer.Report), longest: make(map[string]time.Duration), last: make(map[string]time.Time)}
	if s.anyTime {
		b.ledger.AllowAnyTime()
	}
	if s.before != nil {
		s.before(b)
	}
	b.begin(s)
	defer closeWithin(t, b.p, 0) // where load has failed
	load(b)
	b.flush()
	closeWithin(t, b.p, time.Minute)
	if !b.real {
		b.rest()
	}
	requireTold(t, b.logs)
	stats := b.p.Stats()
	log := k.read(t, slices.Sorted(maps.Keys(b.topics))...)
	b.ledger.Read(log...)
	b.ordered(log)
	require.Empty(t, b.ledger.Check(b.without(stats.Total)))
	b.ledger.Prove(c)
	if !s.real {
		require.Zero(t, b.ledger.LongestSend())
		c.Held("I1", b.ledger.Accepted())
	}
	return stats
}

// begin makes the producer.
func (b *bubble) begin(s setup) {
	if s.change == nil {
		s.change = func(*producer.Config) {}
	}
	core, logs := observer.New(zap.DebugLevel)
	b.logs = logs
	opts := []producer.Option{producer.WithDialer(b.k.link.Dial), producer.WithDelivery(b.report),
		producer.WithLogger(zap.New(core))}
	p, err := producer.New(b.k.config(s.change), append(opts, s.options...)...)
	require.NoError(b.t, err)
	b.proof.Held("I2", 1)
	b.p = p
}

func (b *bubble) report(r producer.Report) {
	if r.Outcome == producer.Delivered {
		b.longest[r.Topic] = max(b.longest[r.Topic], r.Waited)
		b.last[r.Topic] = time.Now()
	}
	if b.also != nil {
		b.also(r)
	}
	if r.Tag >= apart {
		b.apart[r.Tag] = r
		return
	}
	b.ledger.Report(r)
}

// without takes what the ledger does not know, and what must have been delivered, out of the books.
func (b *bubble) without(books producer.Books) producer.Books {
	for tag, r := range b.apart {
		require.Equal(b.t, producer.Delivered, r.Outcome, "%d", tag)
		if r.MaybeDuplicated {
			books.MaybeDuplicated--
		}
	}
	books.Accepted -= uint64(len(b.apart))
	books.Delivered -= uint64(len(b.apart))
	return books
}

// ordered checks the order of each key.
func (b *bubble) ordered(log []*kgo.Record) {
	byTopic := make(map[string][]*kgo.Record)
	for _, r := range log {
		byTopic[r.Topic] = append(byTopic[r.Topic], r)
	}
	for topic, records := range byTopic {
		if !b.grown[topic] {
			b.ledger.Ordered(records)
			continue
		}
		for _, part := range perPartition(records) {
			b.ledger.Ordered(part)
		}
	}
}

// create makes a topic.
func (b *bubble) create(topic string, partitions int32) {
	b.t.Helper()
	require.NoError(b.t, b.k.CreateTopic(topic, partitions, nil))
	b.topics[topic] = partitions
}

// send sends n records that must be accepted, every second one with one of five keys.
func (b *bubble) send(topic string, n int) {
	b.t.Helper()
	for i := range n {
		rec := producer.Record{Topic: topic, Value: make([]byte, 20)}
		if i%2 == 0 {
			rec.Key = fmt.Append(nil, i%10)
		}
		require.NoError(b.t, b.ledger.Send(b.p, rec))
	}
}

// stream sends n records to each of topics, every tenth of a second for d.
func (b *bubble) stream(d time.Duration, n int, topics ...string) {
	b.t.Helper()
	for range d / (100 * time.Millisecond) {
		for _, topic := range topics {
			b.send(topic, n)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (b *bubble) flush() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Hour)
	defer cancel()
	require.NoError(b.t, b.p.Flush(ctx))
	if !b.real {
		b.rest()
	}
}

// rest waits until there is nothing to do at this instant; every report was made then.
func (b *bubble) rest() { synctest.Wait() }

// observe counts the requests with a key, without changing anything.
func (b *bubble) observe(key kmsg.Key) *kfake.FaultHandle {
	return b.k.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Observe: true, Count: -1})
}
