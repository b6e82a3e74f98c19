//go:build synctests

package producer_test

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/internal/faultnet"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/ledger"
)

// These tests run in virtual time: a day of outage takes a second. The client waits for its locks
// in a way that lets time pass only with the build tag synctests.

// embedded is a Kafka in memory behind a link that can be cut.
type embedded struct {
	*kfake.Cluster
	link    *faultnet.Link
	network *kfake.VirtualNetwork
	// what connections of the link are opened by, if it is not nil
	detour atomic.Pointer[faultnet.DialFunc]
	// what an operator opens connections by, if it is not nil
	secure faultnet.DialFunc
	says   []kgo.Opt // how an operator says who it is
}

// dial opens a connection for the link.
func (e *embedded) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if detour := e.detour.Load(); detour != nil {
		return (*detour)(ctx, network, addr)
	}
	return e.network.DialContext(ctx, network, addr)
}

func newEmbedded(t require.TestingT, brokers int, topics map[string]int32,
	more ...kfake.Opt) *embedded {
	network := new(kfake.VirtualNetwork)
	ports := make([]int, brokers)
	for i := range ports {
		ports[i] = 19092 + i
	}
	opts := []kfake.Opt{kfake.NumBrokers(brokers), kfake.Ports(ports...),
		kfake.ListenFn(network.Listen)}
	k, err := kfake.NewCluster(append(opts, more...)...)
	require.NoError(t, err)
	for name, partitions := range topics {
		require.NoError(t, k.CreateTopic(name, partitions, nil))
	}
	e := &embedded{Cluster: k, network: network}
	e.link = faultnet.New(e.dial)
	return e
}

// dealLeaders has the brokers lead partitions in turn. The embedded Kafka draws leaders, and one
// draw in thirty leaves one of two brokers without any of six partitions.
func (e *embedded) dealLeaders(t require.TestingT, topics map[string]int32) {
	brokers := int32(len(e.ListenAddrs()))
	for name, partitions := range topics {
		for p := range partitions {
			require.NoError(t, e.MoveTopicPartition(name, p, p%brokers))
		}
	}
}

func (e *embedded) config(change ...func(*producer.Config)) producer.Config {
	cfg := producer.Config{Clusters: map[string]producer.ClusterConfig{"events": {Brokers: e.ListenAddrs()}}}
	for _, fn := range change {
		fn(&cfg)
	}
	return cfg
}

// operator returns a client that reaches the embedded Kafka by a way of its own.
func (e *embedded) operator(t require.TestingT, opts ...kgo.Opt) *kgo.Client {
	dial := e.network.DialContext
	if e.secure != nil {
		dial = e.secure
	}
	cl, err := kgo.NewClient(append(append(opts, e.says...), kgo.SeedBrokers(e.ListenAddrs()...),
		kgo.Dialer(dial), kgo.DisableClientMetrics())...)
	require.NoError(t, err)
	return cl
}

// read returns everything that the log of topics holds, each partition in its order.
func (e *embedded) read(t require.TestingT, topics ...string) (records []*kgo.Record) {
	from, total := make(map[string]map[int32]kgo.Offset), 0
	for _, topic := range topics {
		from[topic] = make(map[int32]kgo.Offset)
		for _, p := range e.PartitionInfos(topic) {
			if there := p.HighWatermark - p.LogStartOffset; there > 0 {
				from[topic][p.Partition] = kgo.NewOffset().AtStart()
				total += int(there)
			}
		}
	}
	if total == 0 {
		return nil
	}
	cl := e.operator(t, kgo.ConsumePartitions(from))
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for len(records) < total && ctx.Err() == nil {
		records = append(records, cl.PollFetches(ctx).Records()...)
	}
	require.Equal(t, total, len(records), "not all of the log can be read")
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
			require.NoError(t, l.Send(p, producer.Record{Topic: "events",
				Value: make([]byte, 100)}))
			require.NoError(t, l.Send(p, producer.Record{Topic: "keyed",
				Key: fmt.Append(nil, i%7)}))
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
		log := k.read(t, "events", "keyed")
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
			require.NoError(t, p.Send(producer.Record{Topic: "events",
				Timestamp: time.Now().Add(-48 * time.Hour)}))
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
