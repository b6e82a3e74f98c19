//go:build unix

package kafkatest

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// dialNames opens connections by what names say.
func dialNames(names map[string][]string) kgo.Opt {
	return kgo.Dialer(func(ctx context.Context, network, addr string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(names[host][0], port))
	})
}

func TestNamed_BrokersAreFoundByNameAndMove(t *testing.T) {
	c := Start(t, Named(), Brokers(2))
	c.CreateTopic(t, "events", 1, Assign([]int32{1}))
	hosts := func() []string {
		cl, err := newClient(c.NamedSeeds()[:1], dialNames(c.Names()))
		require.NoError(t, err)
		defer cl.Close()
		require.NoError(t, cl.ProduceSync(t.Context(),
			&kgo.Record{Topic: "events", Value: []byte("x")}).FirstErr())
		meta, err := kadm.NewClient(cl).BrokerMetadata(t.Context())
		require.NoError(t, err)
		var hosts []string
		for _, b := range meta.Brokers {
			hosts = append(hosts, b.Host)
		}
		return hosts
	}
	require.Equal(t, map[string][]string{"broker-1.kafka.test": {"127.0.0.2"},
		"broker-2.kafka.test": {"127.0.0.3"}}, c.Names())
	require.Equal(t, []string{"broker-1.kafka.test", "broker-2.kafka.test"}, hosts())

	_, port, err := net.SplitHostPort(c.NamedSeeds()[0])
	require.NoError(t, err)
	b, was := c.Broker(0), net.JoinHostPort("127.0.0.2", port)
	require.True(t, dials(was))
	b.Kill(t)
	b.Move(t, "127.0.0.9")
	b.Rename(t, "other.kafka.test")
	b.Start(t)
	require.False(t, dials(was), "the old address must refuse")
	require.Equal(t, []string{"127.0.0.9"}, c.Names()["other.kafka.test"])
	require.Contains(t, hosts(), "other.kafka.test")
	require.Len(t, c.Read(t, "events"), 2, "its data and its other listener are the same")
}

func TestCluster_AddBrokerTakesPartitions(t *testing.T) {
	c := Start(t)
	c.CreateTopic(t, "before", 1)
	b := c.AddBroker(t)
	require.Equal(t, int32(2), b.NodeID())
	require.Len(t, c.Seeds(), 2)
	c.CreateTopic(t, "after", 1, Assign([]int32{2}))
	require.Same(t, b, c.Leader(t, "after", 0))
	produce(t, c, "after", "x")
	b.Kill(t)
	b.Start(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	nodes, err := c.Admin(t).ListBrokers(ctx)
	require.NoError(t, err)
	require.Equal(t, []int32{1, 2}, nodes.NodeIDs())
	require.Equal(t, []string{"x"}, values(c.Read(t, "after")))
}
