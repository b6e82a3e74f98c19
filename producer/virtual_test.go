//go:build synctests

package producer_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/forebay-go/forebay/internal/faultnet"
	"github.com/forebay-go/forebay/internal/ledger"
	"github.com/forebay-go/forebay/producer"
)

// These tests run in virtual time: a day of outage takes a second. The client waits for its locks in a way that lets time
// pass only with the build tag synctests.

// embedded is a Kafka in memory behind a link that can be cut.
type embedded struct {
	*kfake.Cluster
	link *faultnet.Link
}

func newEmbedded(t require.TestingT, brokers int, topics map[string]int32) *embedded {
	var network kfake.VirtualNetwork
	ports := make([]int, brokers)
	for i := range ports {
		ports[i] = 19092 + i
	}
	k, err := kfake.NewCluster(kfake.NumBrokers(brokers), kfake.Ports(ports...), kfake.ListenFn(network.Listen))
	require.NoError(t, err)
	for name, partitions := range topics {
		require.NoError(t, k.CreateTopic(name, partitions, nil))
	}
	return &embedded{Cluster: k, link: faultnet.New(network.DialContext)}
}

func (e *embedded) config(change ...func(*producer.Config)) producer.Config {
	cfg := producer.Config{Clusters: map[string]producer.ClusterConfig{"events": {Brokers: e.ListenAddrs()}}}
	for _, fn := range change {
		fn(&cfg)
	}
	return cfg
}

// read returns everything that the log holds, each partition in its order.
func (e *embedded) read(t require.TestingT, topics map[string]int32) []*kgo.Record {
	var all []*kgo.Record
	for name, partitions := range topics {
		for p := range partitions {
			all = append(all, e.readPartition(t, name, p)...)
		}
	}
	return all
}

func (e *embedded) readPartition(t require.TestingT, topic string, p int32) (records []*kgo.Record) {
	end := e.PartitionInfo(topic, p).HighWatermark
	if end == 0 {
		return nil
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(e.ListenAddrs()...), kgo.Dialer(e.link.Dial), kgo.DisableClientMetrics(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {p: kgo.NewOffset().AtStart()}}))
	require.NoError(t, err)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for int64(len(records)) < end && ctx.Err() == nil {
		records = append(records, cl.PollFetches(ctx).Records()...)
	}
	require.Len(t, records, int(end), "%s/%d", topic, p)
	return records
}

func closeWithin(t require.TestingT, p *producer.Producer, d time.Duration) producer.Summary {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	s, _ := p.Close(ctx)
	return s
}

func TestVirtual_DeliversEverythingAfterADayDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topics := map[string]int32{"events": 3, "keyed": 5}
		k := newEmbedded(t, 1, topics)
		defer k.Close()
		k.link.Cut() // down before the program even starts
		l := ledger.New()
		p, err := producer.New(k.config(func(c *producer.Config) { c.Priorities.Medium.DeliveryTimeout = 48 * time.Hour }),
			producer.WithDialer(k.link.Dial), producer.WithDelivery(l.Report))
		require.NoError(t, err)
		for i := range 24 * 6 {
			require.NoError(t, l.Send(p, producer.Record{Topic: "events", Value: make([]byte, 100)}))
			require.NoError(t, l.Send(p, producer.Record{Topic: "keyed", Key: fmt.Append(nil, i%7)}))
			time.Sleep(10 * time.Minute)
		}
		s := p.Stats()
		require.EqualValues(t, 2*24*6, s.Total.Pending)
		require.Equal(t, producer.Connecting, s.Clusters["events"].State)
		dials := k.link.Dials()
		require.LessOrEqual(t, dials, int64(2*24*3600), "at most two attempts a second")

		k.link.Restore()
		restored := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		require.NoError(t, p.Flush(ctx))
		require.Less(t, time.Since(restored), 2*time.Second+250*time.Millisecond)
		require.Equal(t, producer.Up, p.Stats().Clusters["events"].State)
		closeWithin(t, p, time.Minute)
		log := k.read(t, topics)
		l.Read(log...)
		l.Ordered(log)
		require.Empty(t, l.Check(p.Stats().Total))
		require.EqualValues(t, 2*24*6, l.Outcomes()[producer.Delivered])
		t.Logf("a day: %d connection attempts", dials)
	})
}

func TestVirtual_ExpiresNeverLateAndAtMostASixteenthEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newEmbedded(t, 1, map[string]int32{"events": 1})
		defer k.Close()
		k.link.Cut()
		const timeout = 16 * time.Second
		var waits []time.Duration
		p, err := producer.New(k.config(func(c *producer.Config) { c.Priorities.Medium.DeliveryTimeout = timeout }),
			producer.WithDialer(k.link.Dial), producer.WithDelivery(func(r producer.Report) {
				require.Equal(t, producer.Expired, r.Outcome)
				require.Equal(t, producer.ReasonDeliveryTimeout, r.Reason)
				waits = append(waits, r.Waited)
			}))
		require.NoError(t, err)
		for range 1000 {
			require.NoError(t, p.Send(producer.Record{Topic: "events", Timestamp: time.Now().Add(-48 * time.Hour)}))
			time.Sleep(37 * time.Millisecond)
		}
		time.Sleep(2 * timeout)
		require.EqualValues(t, 1000, p.Stats().Total.Expired)
		closeWithin(t, p, time.Second)
		require.Len(t, waits, 1000)
		for _, w := range waits {
			require.LessOrEqual(t, w, timeout)
			require.Greater(t, w, timeout-timeout/16-time.Millisecond)
		}
	})
}

// Random outages, loads and settings; the books are checked at every step, and in the end the ledger checks all.
func TestVirtual_SurvivesRandomOutages(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) { rapid.SyncTest(rt, randomOutages) })
}

// codes are answers that a producer has to live with.
var codes = []*kerr.Error{
	kerr.RequestTimedOut, kerr.NotEnoughReplicasAfterAppend, kerr.NotEnoughReplicas, kerr.KafkaStorageError,
	kerr.NotLeaderForPartition, kerr.OutOfOrderSequenceNumber, kerr.UnknownProducerID, kerr.InvalidProducerEpoch,
	kerr.InvalidProducerIDMapping, kerr.UnknownTopicOrPartition, kerr.MessageTooLarge, kerr.UnknownServerError,
	kerr.InvalidRecord,
}

func randomOutages(t *rapid.T) {
	brokers := rapid.IntRange(1, 3).Draw(t, "brokers")
	topics := map[string]int32{"a": rapid.Int32Range(1, 6).Draw(t, "partitions of a"), "b": rapid.Int32Range(1, 6).Draw(t, "partitions of b")}
	k := newEmbedded(t, brokers, topics)
	defer k.Close()
	l := ledger.New()
	p, err := producer.New(k.config(func(c *producer.Config) {
		c.Buffer.MaxBytes = 1 << 20
		c.Reports.MaxBytes = 8 << 20 // none is dropped, however many expire at once
		c.Batching.MaxBytes = rapid.SampledFrom([]int{1 << 10, 16 << 10, 256 << 10}).Draw(t, "batch bytes")
		c.Batching.Compression = rapid.SampledFrom([]string{"none", "snappy", "lz4"}).Draw(t, "compression")
		c.Priorities.Medium.DeliveryTimeout = rapid.SampledFrom([]time.Duration{5 * time.Second, time.Minute, time.Hour}).Draw(t, "timeout")
		c.Priorities.Medium.MoveUnresolvedAfter = rapid.SampledFrom([]time.Duration{producer.Never, time.Second}).Draw(t, "move")
	}), producer.WithDialer(k.link.Dial), producer.WithDelivery(l.Report))
	require.NoError(t, err)
	steps := rapid.IntRange(1, 25).Draw(t, "steps")
	for range steps {
		switch rapid.IntRange(0, 9).Draw(t, "step") {
		case 0:
			k.link.Cut()
		case 1:
			k.link.Hole()
		case 2:
			k.link.Restore()
		case 3:
			k.link.Reset()
		case 4:
			node := rapid.Int32Range(0, int32(brokers-1)).Draw(t, "leader")
			require.NoError(t, k.MoveTopicPartition("a", 0, node))
		case 5:
			k.link.CutAfterWrites(rapid.Int64Range(0, 9).Draw(t, "cut after writes"))
		case 6:
			k.Fault(kfake.Fault{
				Keys:  []kmsg.Key{kmsg.Produce},
				Topic: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "faulty topic"),
				Err:   rapid.SampledFrom(codes).Draw(t, "code"),
				Count: rapid.IntRange(1, 20).Draw(t, "times"),
			})
		default:
			for range rapid.IntRange(1, 300).Draw(t, "records") {
				rec := producer.Record{Topic: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "topic")}
				rec.Value = make([]byte, rapid.SampledFrom([]int{0, 50, 5000}).Draw(t, "size"))
				if key := rapid.IntRange(-3, 5).Draw(t, "key"); key >= 0 {
					rec.Key = fmt.Append(nil, key)
				}
				_ = l.Send(p, rec) // a full buffer is one of the cases
			}
		}
		time.Sleep(time.Duration(rapid.IntRange(0, 3000).Draw(t, "milliseconds")) * time.Millisecond)
		s := p.Stats()
		require.True(t, s.Total.Balanced(), "%+v", s.Total)
		require.LessOrEqual(t, s.HeldBytes, s.MaxBytes+128<<10, "what is dealt out anew takes a little more")
	}
	k.link.CutAfterWrites(0)
	k.link.Restore()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Hour)
	defer cancel()
	require.NoError(t, p.Flush(ctx))
	closeWithin(t, p, time.Minute)
	s := p.Stats()
	log := k.read(t, topics)
	l.Read(log...)
	l.Ordered(log)
	if problems := l.Check(s.Total); len(problems) > 0 {
		t.Fatalf("%d problems, of %+v:\n%s", len(problems), s.Total, strings.Join(problems, "\n"))
	}
	require.Zero(t, s.HeldBytes-heldByTopics(s), "all memory was given back")
}

// heldByTopics returns what the tables of topics take of the budget.
func heldByTopics(s producer.Stats) (n int64) {
	for _, t := range s.Topics {
		n += 1024 + int64(len(t.Topic))
	}
	return n
}
