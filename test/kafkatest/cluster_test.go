//go:build unix

package kafkatest

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestStart_ThreeBrokersKnowEachOtherAndTheirRacks(t *testing.T) {
	c := Start(t, Brokers(3), Racks("a", "b", "c"), Property("min.insync.replicas", "2"))
	c.CreateTopic(t, "events", 3, Assign([]int32{1, 2, 3}, []int32{2, 3, 1}, []int32{3, 1, 2}))
	produce(t, c, "events", "x", "y", "z")
	require.ElementsMatch(t, []string{"x", "y", "z"}, values(c.Read(t, "events")))

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	meta, err := c.Admin(t).BrokerMetadata(ctx)
	require.NoError(t, err)
	var racks []string
	for _, b := range meta.Brokers {
		racks = append(racks, *b.Rack)
	}
	require.ElementsMatch(t, []string{"a", "b", "c"}, racks)

	// The cluster goes on without a broker, and takes it back.
	down := c.Leader(t, "events", 1)
	require.Same(t, c.Broker(1), down)
	down.Stop(t)
	require.Zero(t, down.PID())
	require.NotEqual(t, down, c.Leader(t, "events", 1))
	produce(t, c, "events", "while one was down")
	c.Broker(0).Kill(t)
	require.Len(t, c.live(), 1)
	c.Broker(0).StartAsync(t)
	down.StartAsync(t)
	c.Broker(0).Await(t)
	down.Await(t)
	require.ElementsMatch(t, []string{"x", "y", "z", "while one was down"},
		values(c.Read(t, "events")))
}

func TestStart_TakesOtherPortsWhenOneIsTaken(t *testing.T) {
	k := needKit(t)
	thief, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = thief.Close() }()

	cfg, tries := newConfig(nil), 0
	cfg.pickPorts = func(n int) ([]*port, error) {
		ports, err := pickPorts(n)
		if tries++; tries == 1 && err == nil {
			ports[1].release()
			ports[1] = &port{number: thief.Addr().(*net.TCPAddr).Port}
		}
		return ports, err
	}
	c, err := newCluster(cfg)
	require.NoError(t, err)
	defer c.close()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	require.NoError(t, c.boot(ctx, k, cfg))
	require.Equal(t, 2, tries)
}

func TestStart_SaysWhatKafkaSaidWhenItRefusesItsSettings(t *testing.T) {
	k := needKit(t)
	cfg := newConfig([]Option{Property("num.io.threads", "none")})
	c, err := newCluster(cfg)
	require.NoError(t, err)
	defer c.close()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	require.ErrorContains(t, c.boot(ctx, k, cfg), "num.io.threads")
}

func TestNewCluster_RefusesSizesNobodyTested(t *testing.T) {
	for _, n := range []int{-1, 0, 4} {
		_, err := newCluster(newConfig([]Option{Brokers(n)}))
		require.Error(t, err, n)
	}
}
