package cluster

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/zap"
)

// silence accepts connections, as the kernel does for a process that is stopped, and never answers.
func silence(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// unsupervised returns a cluster that is not started.
func unsupervised(t *testing.T, seeds ...string) *Cluster {
	t.Helper()
	c, err := New(Config{Name: "test", Seeds: seeds, Logger: zap.NewNop()})
	require.NoError(t, err)
	t.Cleanup(c.Discard)
	return c
}

func TestClient_ReturnsWithItsContextThoughTheBrokerIsSilent(t *testing.T) {
	addr := silence(t)
	c := unsupervised(t, addr)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err := c.common.ask(ctx, 1, addr, metadataRequest(nil))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(begin), 5*time.Second)
}

func TestClient_ASilentBrokerDoesNotKeepItFromTheOthers(t *testing.T) {
	k, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(k.Close)
	silent := silence(t)
	c := unsupervised(t, silent)
	ctx, cancel := context.WithTimeout(t.Context(), AttemptTimeout)
	defer cancel()
	go func() { _, _ = c.common.ask(ctx, 1, silent, metadataRequest(nil)) }()
	_, err = c.common.ask(ctx, 0, k.ListenAddrs()[0], metadataRequest(nil))
	require.NoError(t, err)
}
