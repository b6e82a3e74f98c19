//go:build unix

package producer_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/forebay-go/forebay/internal/faultnet"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/kafkatest"
	"github.com/forebay-go/forebay/test/proof"
	"github.com/forebay-go/forebay/test/toxics"
)

// The tests here leave the brokers alone and spoil the network between them and the producer.

// proxies starts a proxy in front of each broker. They end with the test.
func proxies(t *testing.T, c *kafkatest.Cluster) *toxics.Proxies {
	x, err := toxics.New(c.Seeds()...)
	require.NoError(t, err)
	t.Cleanup(x.Close)
	return x
}

// newTopic makes a topic with a name of its own in a cluster that tests share.
func newTopic(t *testing.T, c *kafkatest.Cluster, partitions int,
	opts ...kafkatest.TopicOption) string {
	topic := kafkatest.TopicName(t)
	c.CreateTopic(t, topic, partitions, opts...)
	return topic
}

// A probe comes every 100 ms in the first 90 s of an outage, less a fifth of jitter, and lanes try
// nobody who does not answer probes. What was open when it began may be tried once more by each of
// its users.
func TestKafka_F2_ALoadBalancerThatHangsUpCostsNothingAndIsTriedSoftly(t *testing.T) {
	t.Parallel()
	const outage, probes, open = 8 * time.Second, 12.5, 8
	for _, fault := range []struct {
		name  string
		toxic toxics.Toxic
	}{
		{"closes", toxics.Hangup(time.Millisecond)},
		{"resets", toxics.ResetPeer().Up()},
	} {
		t.Run(fault.name, func(t *testing.T) {
			proven := proof.Of(t, "F2")
			c := kafkatest.SharedTrio(t)
			topic := newTopic(t, c, 6, durable()...)
			x := proxies(t, c)
			tr := try(t, to(c, noMoves), producer.WithDialer(x.Dial))
			stop := tr.stream(t, 5, mixed(topic))
			tr.awaitDelivered(t, 2000)

			before, begin := x.Traffic(), time.Now()
			require.NoError(t, x.Add(fault.toxic))
			time.Sleep(outage)
			traffic, took := x.Traffic().Since(before), time.Since(begin)
			require.Equal(t, producer.Down, tr.Stats().Clusters["events"].State)
			back := time.Now()
			x.Clear()
			tr.awaitDelivered(t, 1)
			resumed := time.Since(back)
			tr.awaitDelivered(t, 2000)
			stop()
			tr.settleOnce(t, c, topic)

			most := int64(len(c.Seeds())) * int64(probes*took.Seconds()+open)
			proven.Bit("connections broken", traffic.Broken)
			proven.Figure("connection attempts a second and broker", "%.1f",
				float64(traffic.Dials)/took.Seconds()/float64(len(c.Seeds())))
			proven.Figure("resumed after", "%v", resumed.Round(time.Millisecond))
			require.LessOrEqual(t, traffic.Dials, most)
			proven.Held("I16", uint64(traffic.Dials))
			require.Less(t, resumed, 5*time.Second)
			proven.Held("I10", 1)
			tr.ledger.Prove(proven)
			logFigures(t, proven)
		})
	}
}

// The cluster is well and goes on naming a broker as the leader that this producer alone cannot
// reach.
func TestKafka_F6_ABrokerThatWeAloneCannotReachHoldsUpAtMostTwoPercentOfUnkeyedRecords(t *testing.T) {
	t.Parallel()
	for _, cut := range []struct {
		name  string
		toxic toxics.Toxic
		moves time.Duration
	}{
		{"both ways", toxics.Hole(), 0},
		{"requests lost", toxics.Hole().Up(), producer.Never},
		// what moves is there already, and so there twice
		{"answers lost", toxics.Hole().Down(), 2 * time.Second},
	} {
		t.Run(cut.name, func(t *testing.T) {
			proven := proof.Of(t, "F3", "F6")
			c := kafkatest.SharedTrio(t)
			free, bound := newTopic(t, c, 6, durable()...), newTopic(t, c, 6, durable()...)
			x := proxies(t, c)
			tr := try(t, to(c,
				func(cfg *producer.Config) { cfg.Priorities.Medium.MoveUnresolvedAfter = cut.moves }),
				producer.WithDialer(x.Dial))
			stop := tr.stream(t, tenThousand,
				alternate(unkeyed(free), unkeyed(free), unkeyed(free), keyed(bound, 20)))
			tr.awaitDelivered(t, 5000)

			waits := tr.countWaits()
			leader := c.Leader(t, free, 0)
			before := tr.Stats().Total
			require.NoError(t, x.Add(cut.toxic, leader.Addr()))
			tr.awaitAccepted(t, 9*time.Second, 40_000)
			during := tr.Stats().Total
			require.Same(t, leader, c.Leader(t, free, 0), "the cluster is well")
			x.Clear()
			tr.awaitDelivered(t, 5000)
			stop()
			log := tr.settle(t, c, free, bound)

			unkeyed, keyed := waits.of(proven, "un-keyed", free), waits.of(proven, "keyed", bound)
			books := tr.Stats().Total
			proven.Bit("keyed records that waited for the broker that was cut off", keyed.late)
			proven.Figure("un-keyed records held up by it", "%d", unkeyed.held)
			proven.Figure("while it was", "%d sent, %d delivered", during.Accepted-before.Accepted,
				during.Delivered-before.Delivered)
			proven.Figure("there twice, and counted", "%d of %d", uint64(len(log))-books.Accepted,
				books.MaybeDuplicated)
			tr.ledger.Prove(proven)
			logFigures(t, proven)
			require.LessOrEqual(t, unkeyed.part(unkeyed.held), 0.02)
			require.Greater(t, keyed.late, int64(100), "keys wait for their partition")
			if cut.moves == producer.Never {
				require.Len(t, log, int(books.Accepted))
			}
		})
	}
}

func TestKafka_F6_ARackThatIsLostHoldsUpItsKeysOnly(t *testing.T) {
	t.Parallel()
	proven := proof.Of(t, "F6")
	c := kafkatest.SharedTrio(t)
	free, bound := newTopic(t, c, 6, durable()...), newTopic(t, c, 6, durable()...)
	x := proxies(t, c)
	tr := try(t, to(c, noMoves), producer.WithDialer(x.Dial))
	stop := tr.stream(t, 10, alternate(unkeyed(free), keyed(bound, 20)))
	tr.awaitDelivered(t, 2000)

	waits := tr.countWaits()
	rack := brokersIn(t, c, "b")
	before := x.Traffic(rack...)
	require.NoError(t, x.Add(toxics.Hangup(time.Millisecond), rack...))
	tr.await(t, "the loss is not noticed",
		func(s *producer.Stats) bool { return s.Clusters["events"].State == producer.Degraded })
	time.Sleep(5 * time.Second)
	lost := x.Traffic(rack...).Since(before)
	x.Clear()
	tr.await(t, "the rack is not back",
		func(s *producer.Stats) bool { return s.Clusters["events"].State == producer.Up })
	tr.awaitDelivered(t, 2000)
	stop()
	tr.settleOnce(t, c, free, bound)

	unkeyed, keyed := waits.of(proven, "un-keyed", free), waits.of(proven, "keyed", bound)
	proven.Bit("connections to the rack broken", lost.Broken)
	proven.Bit("keyed records that waited over 1 s", keyed.late)
	tr.ledger.Prove(proven)
	logFigures(t, proven)
	require.LessOrEqual(t, unkeyed.part(unkeyed.held), 0.02)
}

// brokersIn returns the addresses of the brokers of a rack.
func brokersIn(t *testing.T, c *kafkatest.Cluster, rack string) (addrs []string) {
	details, err := c.Admin(t).ListBrokers(t.Context())
	require.NoError(t, err)
	for _, d := range details {
		if d.Rack != nil && *d.Rack == rack {
			addrs = append(addrs, c.Broker(int(d.NodeID)-1).Addr())
		}
	}
	require.NotEmpty(t, addrs)
	return addrs
}

// saidUnnumbered is logged when batches go without a producer ID: when they are sent again, they
// may be there twice, and are counted.
const saidUnnumbered = "no producer ID: retries may leave duplicates"

func TestKafka_F7_ABadNetworkCostsTimeOnly(t *testing.T) {
	t.Parallel()
	c := kafkatest.SharedTrio(t)
	for _, bad := range []struct {
		name    string
		toxics  []toxics.Toxic
		takes   time.Duration // what a record takes at least
		cuts    bool          // connections break
		resets  bool          // by us
		seconds time.Duration
	}{
		{name: "50 ms", toxics: []toxics.Toxic{toxics.Latency(50*time.Millisecond,
			20*time.Millisecond)}, takes: 60 * time.Millisecond, seconds: 2},
		{name: "1 s with jitter", toxics: []toxics.Toxic{toxics.Latency(time.Second,
			900*time.Millisecond).Down()}, takes: 100 * time.Millisecond, seconds: 5},
		{name: "100 kB a second", toxics: []toxics.Toxic{toxics.Bandwidth(100)}, seconds: 3},
		{name: "slices", toxics: []toxics.Toxic{toxics.Slicer(256, 100*time.Microsecond)},
			seconds: 3},
		{name: "slow close", toxics: []toxics.Toxic{toxics.SlowClose(2 * time.Second)},
			cuts: true, resets: true, seconds: 3},
		{name: "cut in a request", toxics: []toxics.Toxic{toxics.LimitData(20_000).Up()},
			cuts: true, seconds: 4},
		{name: "cut in an answer", toxics: []toxics.Toxic{toxics.LimitData(1500).Down()},
			cuts: true, seconds: 4},
	} {
		t.Run(bad.name, func(t *testing.T) {
			proven := proof.Of(t, "F7")
			topic := newTopic(t, c, 6, durable()...)
			x := proxies(t, c)
			link := faultnet.New(x.Dial)
			cfg := to(c, noMoves)
			if bad.cuts {
				neverHalved(&cfg)
			}
			core, logs := observer.New(zap.WarnLevel)
			tr := try(t, cfg, producer.WithDialer(link.Dial), producer.WithLogger(zap.New(core)))
			tr.send(t, producer.Record{Topic: topic})
			// told of, too
			require.Eventually(t,
				func() bool { return tr.ledger.Outcomes()[producer.Delivered] == 1 }, patience, time.Millisecond)
			waits := tr.countWaits()
			before, began := x.Traffic(), time.Now()
			for _, toxic := range bad.toxics {
				require.NoError(t, x.Add(toxic))
			}
			stop := tr.stream(t, 5, mixed(topic))
			for end := time.Now().Add(bad.seconds * time.Second); time.Now().Before(end); time.Sleep(250 * time.Millisecond) {
				if bad.resets {
					link.Reset()
				}
			}
			stop()
			if bad.takes > 0 {
				tr.flush(t) // all of it so slowly
			}
			traffic := x.Traffic().Since(before)
			x.Clear()
			settle := tr.settleOnce
			if time.Since(began) > 5*time.Second && logs.FilterMessage(saidUnnumbered).Len() > 0 {
				// a busy broker looks far away, further streams to it need producer IDs of their
				// own, and the bad network lost the answers for as long as that takes
				settle = tr.settle
			}
			settle(t, c, topic)

			seen := waits.of(proven, "all", topic)
			proven.Bit("bytes through the bad network", traffic.Written)
			if bad.cuts {
				proven.Bit("connections broken", traffic.Broken+link.Cuts())
			}
			proven.Figure("shortest time of a record", "%v", seen.shortest.Round(time.Millisecond))
			require.GreaterOrEqual(t, seen.shortest, bad.takes)
			tr.ledger.Prove(proven)
			logFigures(t, proven)
		})
	}
}

func TestKafka_F8_ConnectionsCutRightAfterTheWriteLeaveNothingTwice(t *testing.T) {
	t.Parallel()
	proven := proof.Of(t, "F8")
	c := kafkatest.SharedTrio(t)
	topic := newTopic(t, c, 6, durable()...)
	link := newLink()
	tr := try(t, to(c, noMoves, neverHalved), producer.WithDialer(link.Dial))
	waits := tr.countWaits()
	stop := tr.stream(t, 5, mixed(topic))
	tr.awaitDelivered(t, 1000)
	link.CutAfter(everyProduce(3))
	for range 5 {
		tr.awaitDelivered(t, 1000)
		time.Sleep(time.Second)
	}
	link.CutAfter(nil)
	stop()
	tr.settleOnce(t, c, topic)

	seen := waits.of(proven, "all", topic)
	proven.Bit("connections cut right after a produce request", link.Cuts())
	proven.Bit("records that took more than one attempt", seen.held)
	tr.ledger.Prove(proven)
	logFigures(t, proven)
}

// neverHalved keeps batches so small that no connection which ends with one is blamed on its size:
// that is done from 64 KiB on, and a batch that is blamed seven times in a row is halved, and
// counted as maybe duplicated. They also fit through a connection that ends after 20 kB.
func neverHalved(cfg *producer.Config) { cfg.Batching.MaxBytes = 16 << 10 }

// everyProduce returns a function for CutAfter that chooses every n-th produce request. Requests
// for a producer ID go through: when three answers to those are lost in a row, batches go without
// one, and are counted when they are sent again.
func everyProduce(n int64) func(written []byte) bool {
	var requests atomic.Int64
	return func(written []byte) bool {
		return faultnet.IsRequest(written, int16(kmsg.Produce)) && requests.Add(1)%n == 0
	}
}
