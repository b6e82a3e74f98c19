//go:build unix

package producer_test

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/partitioner"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
	"github.com/forebay-go/forebay/test/kafkatest"
	"github.com/forebay-go/forebay/test/proof"
)

// randomKeys returns n keys of 0 to 40 random bytes.
func randomKeys(n int) [][]byte {
	rng := rand.NewChaCha8([32]byte{7})
	keys := make([][]byte, n)
	for i := range keys {
		keys[i] = make([]byte, rng.Uint64()%41)
		_, _ = rng.Read(keys[i])
	}
	return keys
}

func TestKafka_KeysGoWhereTheJavaClientSendsThemInOrder(t *testing.T) {
	t.Parallel()
	c := kafkatest.Shared(t)
	topic := kafkatest.TopicName(t)
	const partitions = 7
	c.CreateTopic(t, topic, partitions)
	keys := randomKeys(10_000)
	want := make(map[string]int32, len(keys))
	for i, p := range kafkatest.JavaPartitions(t, keys, partitions) {
		want[string(keys[i])] = p
	}

	link := newLink()
	link.Cut()
	tr := try(t, to(c), producer.WithDialer(link.Dial))
	sendAll := func() {
		for range 2 {
			for _, key := range keys {
				tr.send(t, producer.Record{Topic: topic, Key: key})
			}
		}
	}
	sendAll() // nothing is known of the topic
	require.EqualValues(t, 2*len(keys), tr.Stats().Total.Pending)
	link.Restore()
	tr.flush(t)
	sendAll() // and now its partitions are
	log := tr.settleOnce(t, c, topic)
	require.Len(t, log, 4*len(keys))
	for _, r := range log {
		require.Equal(t, want[string(r.Key)], r.Partition, "key %x", r.Key)
	}
}

func TestKafka_KeysFollowTheCountOfPartitionsWhenItGrows(t *testing.T) {
	t.Parallel()
	c := kafkatest.Shared(t)
	topic := kafkatest.TopicName(t)
	const before, after = 3, 8
	proven := proof.Of(t, "F10")
	c.CreateTopic(t, topic, before)
	keys := randomKeys(2000)
	tr := try(t, to(c))
	var grown atomic.Bool // a record was delivered to a partition that was not there before
	tr.alsoReport(func(r producer.Report) {
		if r.Partition >= before {
			grown.Store(true)
		}
	})
	stop := tr.stream(t, 5, func(i int) producer.Record {
		rec := producer.Record{Topic: topic, Value: make([]byte, 50)}
		if i%3 != 0 {
			rec.Key = keys[i%len(keys)]
		}
		return rec
	})
	tr.awaitDelivered(t, 2000)
	c.AddPartitions(t, topic, after)
	require.Eventually(t, grown.Load, patience, 5*time.Millisecond,
		"the new partitions are not used")
	tr.awaitDelivered(t, 2000)
	stop()
	tr.flush(t)
	settled := tr.ledger.Accepted()
	for range 2 {
		for _, key := range keys {
			tr.send(t, producer.Record{Topic: topic, Key: key})
		}
	}
	requireGrown(t, tr, c, topic, after, settled)
	proven.Bit("partitions added while records flowed", after-before)
	tr.ledger.Prove(proven)
}

// requireGrown settles a topic that has grown to so many partitions: all is there once, each
// partition has each key in its order, and what was sent after the first settled records is where
// its key belongs now.
func requireGrown(t *testing.T, tr *trial, c *kafkatest.Cluster, topic string, partitions int32,
	settled uint64) {
	t.Helper()
	tr.close(t)
	log := c.Read(t, topic)
	tr.ledger.Read(log...)
	parts := perPartition(log)
	for _, p := range sortedKeys(parts) {
		tr.ledger.Ordered(parts[p]) // each by itself: keys have moved from one to another
	}
	tr.judge(t)
	require.Len(t, log, int(tr.ledger.Accepted()))
	require.Len(t, parts, int(partitions))
	for _, r := range log {
		if r.Key != nil && tagOf(r) >= settled {
			require.Equal(t, partitioner.ForKey(r.Key, partitions), r.Partition, "key %x", r.Key)
		}
	}
}

// What waits when the count changes was built for the old one, compressed even, and is dealt out
// anew.
func TestKafka_KeyedBatchesThatWaitAreDealtOutAnewWhenPartitionsAreAdded(t *testing.T) {
	t.Parallel()
	c := kafkatest.Shared(t)
	topic := kafkatest.TopicName(t)
	const before, after = 3, 8
	c.CreateTopic(t, topic, before)
	keys := randomKeys(2000)
	link := newLink()
	tr := try(t, to(c, func(cfg *producer.Config) {
		cfg.Batching.MaxBytes = 16 << 10
		cfg.Batching.Compression = "snappy"
	}), producer.WithDialer(link.Dial))
	send := func() {
		for range 3 {
			for _, key := range keys {
				tr.send(t, producer.Record{Topic: topic, Key: key, Value: value(100)})
			}
		}
	}
	send()
	tr.flush(t)
	link.Cut()
	// it finds the connection cut, so that no keyed batch is written in vain
	tr.send(t, producer.Record{Topic: topic})
	settled := tr.ledger.Accepted()
	tr.await(t, "the cut is not noticed",
		func(s *producer.Stats) bool { return s.Clusters["events"].State == producer.Down })
	send()
	c.AddPartitions(t, topic, after)
	link.Restore()
	tr.flush(t)
	send()
	requireGrown(t, tr, c, topic, after, settled)
}

func TestKafka_ExplicitPartitionsArriveWhereNamed(t *testing.T) {
	t.Parallel()
	c := kafkatest.Shared(t)
	topic := kafkatest.TopicName(t)
	const partitions = 5
	c.CreateTopic(t, topic, partitions)
	tr := try(t, to(c))
	for i := range 5000 {
		rec := producer.Record{Topic: topic, Partition: producer.ToPartition(int32(i % partitions)),
			Value: []byte{}}
		if i%2 == 0 {
			rec.Key = []byte("the same key everywhere") // the caller's choice goes before the key's
		}
		tr.send(t, rec)
	}
	tr.close(t)
	log := c.Read(t, topic)
	tr.ledger.Read(log...)
	for _, records := range perPartition(log) {
		tr.ledger.Ordered(records)
	}
	tr.judge(t)
	require.Len(t, log, 5000)
	for _, r := range log {
		require.EqualValues(t, tagOf(r)%partitions, r.Partition)
	}
}

func TestKafka_TwelveTopicsAtOnce(t *testing.T) {
	t.Parallel()
	c := kafkatest.Shared(t)
	var topics []string
	for i := range 12 {
		topic := kafkatest.TopicName(t)
		c.CreateTopic(t, topic, 1+i%5)
		topics = append(topics, topic)
	}
	tr := try(t, to(c))
	for i := range 24_000 {
		tr.send(t, mixed(topics[i%12])(i/12))
	}
	log := tr.settleOnce(t, c, topics...)
	counts := make(map[string]int)
	for _, r := range log {
		counts[r.Topic]++
	}
	for _, topic := range topics {
		require.Equal(t, 2000, counts[topic])
	}
	s := tr.Stats()
	require.Len(t, s.Topics, 12)
	t.Logf("%.0f records a request", s.RecordsPerRequest())
}

// Each of the two dispatchers of a lane with a fallback frees the tables of topics that were idle,
// and the topic comes back at any moment between.
func TestKafka_F14_ATopicThatWasIdleIsWrittenAgain(t *testing.T) {
	t.Parallel()
	c := kafkatest.Shared(t)
	topic := kafkatest.TopicName(t)
	c.CreateTopic(t, topic, 3)
	tr := try(t, to(c, func(cfg *producer.Config) {
		cfg.Clusters["spare"] = cfg.Clusters["events"]
		for _, pc := range []*producer.PriorityConfig{&cfg.Priorities.Low, &cfg.Priorities.Medium,
			&cfg.Priorities.High} {
			pc.Cluster, pc.Fallbacks = "events", []routing.Fallback{{Cluster: "spare"}}
		}
	}), withIdleTopic(200*time.Millisecond))
	for range 30 {
		tr.send(t, producer.Record{Topic: topic, Key: []byte("k"), Value: make([]byte, 20)})
		require.Eventually(t, func() bool { return len(tr.Stats().Topics) == 0 }, time.Minute,
			time.Millisecond)
	}
	require.Len(t, tr.settleOnce(t, c, topic), 30)
}
