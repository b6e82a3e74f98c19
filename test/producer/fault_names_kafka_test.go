//go:build unix

package producer_test

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
	"github.com/forebay-go/forebay/test/kafkatest"
	"github.com/forebay-go/forebay/test/proof"
)

// The tests here have brokers restart and come back elsewhere, under names of which only the
// resolver of the test knows what they mean.

// homes are brokers that are found by name.
type homes struct {
	*kafkatest.Cluster
	names   *resolver
	seeds   []string
	refused atomic.Int64 // dials at an address where nobody is
}

// dial opens connections to addresses.
func (h *homes) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		h.refused.Add(1)
	}
	return conn, err
}

// follow has the names mean what they should by now.
func (h *homes) follow() { h.names.set(func() { h.names.names = h.Names() }) }

// flow is a producer of records of all priorities.
type flow struct {
	*trial
	homes *homes
	proof *proof.Case
	// of three copies, one for each priority; the last one has a partition on each broker, and no
	// copy elsewhere
	topics []string
	stop   func()

	mu   sync.Mutex // guards what follows
	last [3]int     // how many were delivered to each partition of the last topic
}

// flow starts a producer. What before changes is so before there is one.
func (h *homes) flow(t *testing.T, c *proof.Case, before func()) *flow {
	f := &flow{homes: h, proof: c}
	cfg := producer.Config{Clusters: map[string]producer.ClusterConfig{"events": {Brokers: h.seeds}}}
	cfg.Resolver.RefreshEvery = time.Second
	for _, p := range routing.All {
		topic := newTopic(t, h.Cluster, 6, durable()...)
		f.topics = append(f.topics, topic)
		cfg.Topics = append(cfg.Topics, producer.TopicConfig{Topic: topic, Priority: p})
	}
	f.topics = append(f.topics, newTopic(t, h.Cluster, 3,
		kafkatest.Assign([]int32{1}, []int32{2}, []int32{3})))
	before()
	h.refused.Store(0)
	f.trial = try(t, cfg, producer.WithResolver(h.names.lookup), producer.WithDialer(h.dial))
	f.alsoReport(f.count)
	var kinds []func(int) producer.Record
	for _, topic := range f.topics {
		kinds = append(kinds, mixed(topic))
	}
	f.stop = f.stream(t, 4, alternate(kinds...))
	return f
}

func (f *flow) count(r producer.Report) {
	if f.to(r, -1) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.last[r.Partition]++
	}
}

// to reports whether r is of a record that was delivered to a broker by its index, or to any of
// them, in the topic without copies.
func (f *flow) to(r producer.Report, broker int) bool {
	return r.Topic == f.topics[len(f.topics)-1] && r.Outcome == producer.Delivered &&
		(broker < 0 || int(r.Partition) == broker)
}

// awaitBroker waits until something more is delivered to a broker.
func (f *flow) awaitBroker(t *testing.T, broker int) {
	t.Helper()
	delivered := func() int {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.last[broker]
	}
	before := delivered()
	require.Eventually(t, func() bool { return delivered() > before }, patience, time.Millisecond,
		"broker %d is not used", broker+1)
}

// awaitBrokers waits until something more is delivered to each of them.
func (f *flow) awaitBrokers(t *testing.T) {
	t.Helper()
	for i := range f.homes.Brokers() {
		f.awaitBroker(t, i)
	}
}

// end checks that everything is in Kafka, and that nothing is there twice but what was counted.
func (f *flow) end(t *testing.T) {
	t.Helper()
	f.stop()
	log := f.settle(t, f.homes.Cluster, f.topics...)
	books := f.Stats().Total
	require.Less(t, f.ledger.LongestSend(), atOnce)
	f.proof.Held("I1", books.Accepted)
	f.proof.Held("I10", books.Accepted)
	f.proof.Figure("there twice, and counted", "%d of %d", uint64(len(log))-books.Accepted,
		books.MaybeDuplicated)
	f.ledger.Prove(f.proof)
	logFigures(t, f.proof)
}

// They share a cluster, whose start takes longer than some of them.
func TestKafka_F13_NamesAreFollowedAndRememberedWhileBrokersRestart(t *testing.T) {
	t.Parallel()
	h := &homes{Cluster: kafkatest.Start(t, kafkatest.Brokers(3), kafkatest.Named()),
		names: new(resolver)}
	h.seeds = h.NamedSeeds()
	h.follow()
	t.Run("one broker comes back at another address", h.oneMoves)
	t.Run("the resolver fails while brokers restart", h.restartWithoutNames)
	t.Run("two brokers swap their addresses", h.swap)
	t.Run("all brokers are replaced at once", h.allMove)
	t.Run("all brokers are replaced at once and have other names", h.allAreOthers)
}

func (h *homes) oneMoves(t *testing.T) {
	f := h.flow(t, proof.Of(t, "F13", "F1", "F4"), func() { wrongAnswers["NXDOMAIN"](h.names) })
	f.proof.Held("I2", 1)
	f.await(t, "it is not said that names do not resolve",
		func(s *producer.Stats) bool { return s.Names.Failures > 0 })
	require.Equal(t, producer.Connecting, f.Stats().Clusters["events"].State)
	require.Zero(t, f.Stats().Total.Delivered)
	h.names.heal()
	f.awaitBrokers(t)

	canary := newTopic(t, h.Cluster, 1, kafkatest.Assign([]int32{1}))
	b := h.Broker(0)
	b.Kill(t)
	f.proof.Bit("brokers killed that came back at another address", 1)
	resume := measureResumption(t, f.trial, h.Cluster, canary)
	resume.counts(func(r producer.Report) bool { return f.to(r, 0) })
	f.awaitDelivered(t, 1000) // by the others
	b.Move(t, "127.0.0.7")
	h.follow()
	resume.ends()
	b.Start(t)
	resume.require(t, f.proof)
	f.awaitBrokers(t)
	f.proof.Bit("dials at the address where nobody was", h.refused.Load())
	f.end(t)
}

func (h *homes) restartWithoutNames(t *testing.T) {
	f := h.flow(t, proof.Of(t, "F13", "F5"), func() {})
	f.awaitBrokers(t)
	waits := f.countWaits()
	known := f.Stats().Names
	kinds := []string{"NXDOMAIN", "SERVFAIL", "hangs", "empty"}
	begin := time.Now()
	restarts := 0
	for ; restarts < len(h.Brokers()) || time.Since(begin) < resolverOutage; restarts++ {
		h.names.set(func() {
			h.names.fail, h.names.slow, h.names.empty = nil, 0, false
			wrongAnswers[kinds[restarts%len(kinds)]](h.names)
		})
		index := restarts % len(h.Brokers())
		b := h.Broker(index)
		b.Stop(t)
		b.Start(t)
		for _, topic := range f.topics {
			h.AwaitInSync(t, topic)
		}
		f.awaitBroker(t, index)
	}
	took := time.Since(begin)
	names := f.Stats().Names
	h.names.heal()
	f.awaitBrokers(t)
	require.Greater(t, names.Stale, known.Stale, "no dial used what was remembered")
	require.LessOrEqual(t, names.Lookups-known.Lookups,
		uint64(len(h.Brokers())*(int(took.Seconds())+1)), "more than one a second")
	f.proof.Bit("brokers restarted while no name resolved", int64(restarts))
	h.names.set(func() { f.proof.Bit("look-ups that failed", h.names.wrong) })
	f.proof.Figure("names did not resolve for", "%v", took.Round(time.Second))
	f.proof.Figure("dials by what was remembered", "%d", names.Stale-known.Stale)
	for i, p := range routing.All {
		waits.of(f.proof, fmt.Sprintf("of priority %v, three copies", p), f.topics[i])
	}
	f.end(t)
}

// While names lead where they led before, each leads to the other broker, which answers everything
// but does not have the partition.
func (h *homes) swap(t *testing.T) {
	f := h.flow(t, proof.Of(t, "F13", "F9"), func() {})
	f.awaitBrokers(t)
	one, other := h.Broker(1), h.Broker(2)
	names := h.Names()
	for _, b := range []*kafkatest.Broker{one, other} {
		b.Kill(t)
	}
	one.Move(t, names["broker-3.kafka.test"][0])
	other.Move(t, names["broker-2.kafka.test"][0])
	one.StartAsync(t)
	other.StartAsync(t)
	one.Await(t)
	other.Await(t)
	f.proof.Bit("brokers that came back, each at the address of the other", 2)
	f.await(t, "the cluster is not up",
		func(s *producer.Stats) bool { return s.Clusters["events"].State == producer.Up })
	f.awaitDelivered(t, 2000) // at whoever has them
	h.follow()
	followed := time.Now()
	f.awaitBrokers(t)
	f.proof.Figure("all used after names led to the right ones", "%v",
		time.Since(followed).Round(time.Millisecond))
	f.end(t)
}

// replace kills all brokers, and starts them with other addresses, the first with this one.
func (h *homes) replace(t *testing.T, first int, change func(i int, b *kafkatest.Broker)) {
	t.Helper()
	all := h.Brokers()
	var killed sync.WaitGroup
	for _, b := range all {
		killed.Go(func() { b.Kill(t) })
	}
	killed.Wait()
	for i, b := range all {
		b.Move(t, fmt.Sprintf("127.0.0.%d", first+i))
		change(i, b)
		b.StartAsync(t)
	}
}

func (h *homes) allMove(t *testing.T) {
	f := h.flow(t, proof.Of(t, "F13", "F5"), func() {})
	f.awaitBrokers(t)
	canary := newTopic(t, h.Cluster, 1)
	h.replace(t, 21, func(int, *kafkatest.Broker) {})
	f.proof.Bit("brokers killed at once that came back at other addresses", 3)
	resume := measureResumption(t, f.trial, h.Cluster, canary)
	resume.ends()
	h.follow()
	f.await(t, "the cluster is not down",
		func(s *producer.Stats) bool { return s.Clusters["events"].State == producer.Down })
	resume.require(t, f.proof)
	f.awaitBrokers(t)
	f.proof.Bit("dials at addresses where nobody was", h.refused.Load())
	f.end(t)
}

// Only the seed is a name that was known before. It has all addresses, and follows when the brokers
// have long been there.
func (h *homes) allAreOthers(t *testing.T) {
	_, port, err := net.SplitHostPort(h.seeds[0])
	require.NoError(t, err)
	h.seeds = []string{net.JoinHostPort("kafka.test", port)}
	seed := func() []string { return slices.Concat(slices.Collect(maps.Values(h.Names()))...) }
	h.names.set(func() { h.names.names["kafka.test"] = seed() })
	f := h.flow(t, proof.Of(t, "F13", "F5", "F1"), func() {})
	f.awaitBrokers(t)
	canary := newTopic(t, h.Cluster, 1)
	h.replace(t, 31, func(i int, b *kafkatest.Broker) {
		b.Rename(t, fmt.Sprintf("broker-%d.kafka.test", 4+i))
	})
	f.proof.Bit("brokers killed at once that came back with other names and addresses", 3)
	h.names.set(func() {
		for name, addrs := range h.Names() {
			h.names.names[name] = addrs // those of before lead where they led
		}
	})
	for _, b := range h.Brokers() {
		b.Await(t)
	}
	requireTaken(t, h.Cluster, &kgo.Record{Topic: canary})
	delivered := f.Stats().Total.Delivered
	require.Equal(t, producer.Down, f.Stats().Clusters["events"].State)
	followed := time.Now()
	h.names.set(func() { h.names.names["kafka.test"] = seed() })
	f.await(t, "nothing is delivered",
		func(s *producer.Stats) bool { return s.Total.Delivered > delivered })
	resumed := time.Since(followed)
	f.proof.Figure("resumed after the name of the seed led to the new addresses", "%v",
		resumed.Round(time.Millisecond))
	require.Less(t, resumed, 5*time.Second)
	f.awaitBrokers(t)
	f.proof.Bit("dials at addresses where nobody was", h.refused.Load())
	f.end(t)
}
