//go:build unix

package producer_test

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/internal/faultnet"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/kafkatest"
	"github.com/forebay-go/forebay/test/proof"
)

// The address of the broker leads to a broker of another Kafka, which has the same topic: while
// connections are cut right after a write, and then while the right broker is killed. It waits, and
// goes on when the right one is back.
func TestKafka_F13_NothingGoesToAnotherClusterUnderTheAddress(t *testing.T) {
	t.Parallel()
	c := proof.Of(t, "F13", "F4")
	ours, theirs := kafkatest.Start(t), kafkatest.Start(t)
	topic := kafkatest.TopicName(t)
	for _, k := range []*kafkatest.Cluster{ours, theirs} {
		k.CreateTopic(t, topic, 3)
	}
	var elsewhere atomic.Bool
	var led atomic.Int64 // connections to the other cluster
	link := faultnet.New(func(ctx context.Context, network, addr string) (net.Conn, error) {
		if elsewhere.Load() {
			led.Add(1)
			addr = theirs.Broker(0).Addr()
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	})
	tr := try(t, to(ours), producer.WithDialer(link.Dial))
	stop := tr.stream(t, 1, mixed(topic))
	tr.awaitDelivered(t, 500)
	id := tr.Stats().Clusters["events"].ID
	require.NotEmpty(t, id)

	for range 3 {
		elsewhere.Store(true)
		link.CutAfterWrites(2)
		before := led.Load()
		tr.await(t, "nobody was led elsewhere",
			func(*producer.Stats) bool { return led.Load() >= before+3 })
		link.CutAfterWrites(0)
		elsewhere.Store(false)
		tr.awaitDelivered(t, 500)
	}
	c.Bit("connections cut right after a write", link.Cuts())

	elsewhere.Store(true)
	ours.Broker(0).Kill(t)
	c.Bit("brokers killed, the only one of their cluster", 1)
	tr.await(t, "it is not seen to be another one", func(s *producer.Stats) bool {
		cl := s.Clusters["events"]
		return cl.State == producer.Down && strings.Contains(cl.Reason,
			"another Kafka cluster answers there")
	})
	require.Contains(t, tr.Stats().Clusters["events"].Reason, id)
	before, delivered, began := led.Load(), tr.Stats().Total.Delivered, time.Now()
	time.Sleep(outage / 2)
	more := led.Load() - before
	took := time.Since(began) // longer on a busy machine
	c.Figure("connections to the other cluster", "%d in %v", more, took.Round(time.Second))
	require.LessOrEqual(t, float64(more), 4*took.Seconds())
	require.Equal(t, delivered, tr.Stats().Total.Delivered)
	require.Equal(t, id, tr.Stats().Clusters["events"].ID)

	ours.Broker(0).Start(t)
	elsewhere.Store(false)
	back := time.Now()
	tr.awaitDelivered(t, 1)
	c.Figure("delivered again after the right broker was back", "%v",
		time.Since(back).Round(time.Millisecond))
	c.Held("I10", 1)
	stop()
	tr.flush(t)
	tr.settle(t, ours, topic)
	require.Empty(t, theirs.Read(t, topic), "records went astray")
	c.Bit("connections to another cluster", led.Load())
	tr.ledger.Prove(c)
}
