//go:build unix

package kafkatest

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestBroker_KeepsItsAddressAndDataOverKillPauseAndStop(t *testing.T) {
	c := Start(t)
	b := c.Broker(0)
	addr := b.Addr()
	c.CreateTopic(t, "events", 2)
	produce(t, c, "events", "before")

	b.Kill(t)
	b.Kill(t) // twice is harmless
	require.False(t, dials(addr), "a killed broker must refuse")
	b.Start(t)
	require.Equal(t, addr, b.Addr())
	require.Equal(t, int32(1), b.NodeID())
	require.Equal(t, []string{"before"}, values(c.Read(t, "events")))

	b.Pause(t)
	require.True(t, dials(addr), "the kernel accepts for a paused broker")
	require.ErrorIs(t, request(t, addr, 300*time.Millisecond), context.DeadlineExceeded)
	b.Resume(t)
	require.NoError(t, request(t, addr, time.Minute))
	b.Await(t)
	produce(t, c, "events", "after")

	b.Pause(t)
	b.Stop(t) // resumes it, or it would take the limit
	require.False(t, dials(addr), "a stopped broker must refuse")
	b.Start(t)
	require.ElementsMatch(t, []string{"before", "after"}, values(c.Read(t, "events")))

	b.Pause(t)
	b.Kill(t)
	require.Zero(t, b.PID())
}

func dials(addr string) bool {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

func request(t *testing.T, addr string, limit time.Duration) error {
	t.Helper()
	cl, err := newClient([]string{addr})
	require.NoError(t, err)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	_, err = cl.SeedBrokers()[0].Request(ctx, kmsg.NewPtrMetadataRequest())
	return err
}
