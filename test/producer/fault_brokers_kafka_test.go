//go:build unix

package producer_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
	"github.com/forebay-go/forebay/test/kafkatest"
	"github.com/forebay-go/forebay/test/proof"
)

// The tests in fault_*_kafka_test.go put the faults of docs/reliability.md to real Kafka: those
// here to its brokers.

const tenThousand = 20 // records every two milliseconds, which makes ten thousand a second

// durable is what a topic takes to lose nothing with one broker of three.
func durable() []kafkatest.TopicOption {
	return []kafkatest.TopicOption{kafkatest.Replication(3),
		kafkatest.TopicConfig("min.insync.replicas", "2")}
}

// unkeyed makes records without a key.
func unkeyed(topic string) func(int) producer.Record {
	return func(i int) producer.Record {
		return producer.Record{Topic: topic, Value: make([]byte, 20+i%200)}
	}
}

// keyed makes records of so many keys.
func keyed(topic string, keys int) func(int) producer.Record {
	return func(i int) producer.Record {
		return producer.Record{Topic: topic, Key: fmt.Append(nil, "key-", i%keys),
			Value: make([]byte, 20+i%200)}
	}
}

// alternate makes records of several kinds in turn.
func alternate(kinds ...func(int) producer.Record) func(int) producer.Record {
	return func(i int) producer.Record { return kinds[i%len(kinds)](i / len(kinds)) }
}

// noMoves has no batch leave a partition that may have it.
func noMoves(cfg *producer.Config) {
	for _, p := range []*producer.PriorityConfig{&cfg.Priorities.Low, &cfg.Priorities.Medium,
		&cfg.Priorities.High} {
		p.MoveUnresolvedAfter = producer.Never
	}
}

// waits counts, for each topic, the reports of records that waited for a fault.
type waits struct {
	mu     sync.Mutex // guards what follows
	topics map[string]*waited
}

type waited struct {
	all, late, held   int64
	shortest, longest time.Duration
}

// countWaits counts from now on.
func (tr *trial) countWaits() *waits {
	w := &waits{topics: make(map[string]*waited)}
	tr.alsoReport(func(r producer.Report) {
		w.mu.Lock()
		defer w.mu.Unlock()
		n := w.topics[r.Topic]
		if n == nil {
			n = &waited{shortest: r.Waited}
			w.topics[r.Topic] = n
		}
		n.all++
		if r.Waited > time.Second {
			n.late++
		}
		if r.Attempts > 1 || r.Waited > mostOfAnAttempt {
			n.held++
		}
		n.shortest = min(n.shortest, r.Waited)
		n.longest = max(n.longest, r.Waited)
	})
	return w
}

// mostOfAnAttempt is less than what an attempt takes that is not answered, and more than what a
// record takes that waits for nothing but a busy machine.
const mostOfAnAttempt = 4 * time.Second

// of returns what was counted of a topic, and notes it in c by a name for its records.
func (w *waits) of(c *proof.Case, name, topic string) waited {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := waited{}
	if found := w.topics[topic]; found != nil {
		n = *found
	}
	c.Figure(name,
		"%d records; %.3f %% took over 4 s or more than one attempt, %.3f %% over 1 s; the "+
			"longest %v", n.all,
		100*n.part(n.held), 100*n.part(n.late), n.longest.Round(time.Millisecond))
	return n
}

func (n *waited) part(of int64) float64 { return float64(of) / float64(max(n.all, 1)) }

// awaitAccepted waits for so long, and longer where the machine is too busy to have sent so many
// records by then: what a fault holds up is a number of batches, whatever goes past it.
func (tr *trial) awaitAccepted(t *testing.T, d time.Duration, records uint64) {
	t.Helper()
	want := tr.Stats().Total.Accepted + records
	time.Sleep(d)
	tr.await(t, "too little is sent",
		func(s *producer.Stats) bool { return s.Total.Accepted >= want })
}

// logFigures shows what c has measured.
func logFigures(t *testing.T, c *proof.Case) {
	for _, b := range c.Bits {
		t.Logf("%d %s", b.Times, b.What)
	}
	for _, f := range c.Figures {
		t.Logf("%s: %s", f.Name, f.Value)
	}
}

// While a broker hangs that is in sync, Kafka acknowledges nothing to anybody until it has struck
// it off, a second or two later: the replicated topic shows what that costs, whatever the producer
// does. What waits for the broker itself is seen in the other one, which has a lane of its own, and
// so requests of its own. Where the cluster is well and the producer alone is cut off, the bound
// holds for replicated topics too: see F6.
func TestKafka_F3_ABrokerThatHangsHoldsUpAtMostTwoPercentOfUnkeyedRecords(t *testing.T) {
	t.Parallel()
	proven := proof.Of(t, "F3", "F15")
	c := kafkatest.Start(t, kafkatest.Brokers(3))
	c.CreateTopic(t, "replicated", 6, durable()...)
	c.CreateTopic(t, "spread", 6, kafkatest.Replication(1))
	tr := try(t, to(c, func(cfg *producer.Config) {
		cfg.Topics = []producer.TopicConfig{{Topic: "spread", Priority: routing.High}}
	}))
	stop := tr.stream(t, tenThousand, alternate(unkeyed("replicated"), unkeyed("spread")))
	tr.awaitDelivered(t, 5000)

	waits := tr.countWaits()
	hung := c.Leader(t, "spread", 0)
	before := tr.Stats().Total
	hung.Pause(t)
	tr.awaitAccepted(t, 12*time.Second, 60_000)
	during := tr.Stats().Total
	hung.Resume(t)
	hung.Await(t)
	tr.awaitDelivered(t, 5000)
	stop()
	tr.settle(t, c, "replicated", "spread")

	replicated, spread := waits.of(proven, "replicated", "replicated"), waits.of(proven,
		"not replicated", "spread")
	proven.Bit("records held up by the broker that hung", replicated.held+spread.held)
	proven.Figure("while it hung", "%d sent, %d delivered", during.Accepted-before.Accepted,
		during.Delivered-before.Delivered)
	tr.ledger.Prove(proven)
	logFigures(t, proven)
	require.Greater(t, during.Delivered-before.Delivered, (during.Accepted-before.Accepted)/2,
		"the others go on")
	require.LessOrEqual(t, spread.part(spread.held), 0.02)
}

func TestKafka_F4_TheLeaderBouncedTenTimesLosesNothingAndKeepsKeysInOrder(t *testing.T) {
	t.Parallel()
	for _, bounce := range []struct {
		name string
		end  func(*kafkatest.Broker, testing.TB)
	}{
		{"hard", (*kafkatest.Broker).Kill},
		{"clean", (*kafkatest.Broker).Stop},
	} {
		t.Run(bounce.name, func(t *testing.T) {
			t.Parallel()
			proven := proof.Of(t, "F4")
			c := kafkatest.Start(t, kafkatest.Brokers(3))
			c.CreateTopic(t, "events", 3, durable()...)
			tr := try(t, to(c))
			stop := tr.stream(t, 5, keyed("events", 50))
			moved := int64(0)
			for range 5 {
				c.AwaitInSync(t, "events")
				tr.awaitDelivered(t, 1000)
				leader := c.Leader(t, "events", 0)
				bounce.end(leader, t)
				if next := c.Leader(t, "events", 0); next != leader {
					moved++
				}
				tr.awaitDelivered(t, 1000) // by those that are left
				leader.Start(t)
			}
			tr.awaitDelivered(t, 1000)
			stop()
			tr.settle(t, c, "events")
			proven.Bit("leaders that ended, and were followed by another", moved)
			require.EqualValues(t, 5, moved)
			tr.ledger.Prove(proven)
			logFigures(t, proven)
		})
	}
}

func TestKafka_F5_ARollingRestartLosesNothingAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	proven := proof.Of(t, "F5")
	c := kafkatest.Start(t, kafkatest.Brokers(3))
	c.CreateTopic(t, "events", 6, durable()...)
	tr := try(t, to(c, noMoves))
	waits := tr.countWaits()
	stop := tr.stream(t, tenThousand, mixed("events"))
	tr.awaitDelivered(t, 5000)
	begin, before := time.Now(), tr.Stats().Total.Accepted
	for _, b := range c.Brokers() {
		b.Stop(t)
		b.Start(t)
		c.AwaitInSync(t, "events")
	}
	took, sent := time.Since(begin), tr.Stats().Total.Accepted-before
	tr.awaitDelivered(t, 5000)
	stop()
	log := tr.settle(t, c, "events")

	books := tr.Stats().Total
	events := waits.of(proven, "all", "events")
	proven.Bit("brokers restarted", 3)
	proven.Bit("records that took over 4 s or more than one attempt", events.held)
	proven.Figure("records a second", "%.0f for %v", float64(sent)/took.Seconds(),
		took.Round(time.Second))
	proven.Figure("lost", "%d", books.Accepted-books.Delivered)
	proven.Figure("there twice", "%d", uint64(len(log))-books.Accepted)
	proven.Figure("counted as maybe duplicated", "%d", books.MaybeDuplicated)
	tr.ledger.Prove(proven)
	logFigures(t, proven)
	require.Len(t, log, int(books.Accepted))
	require.Zero(t, books.MaybeDuplicated)
}
