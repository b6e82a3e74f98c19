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

func silentLink(t *testing.T, seeds ...string) *Link {
	t.Helper()
	c, err := New(Config{Name: "test", Seeds: seeds, AcksAll: true, Logger: zap.NewNop()})
	require.NoError(t, err)
	l, err := c.NewLink(func() {})
	require.NoError(t, err)
	t.Cleanup(func() {
		c.control.cl.Close()
		l.Close()
	})
	return l
}

func TestPrompt_ReturnsWithItsContextThoughTheBrokerIsSilent(t *testing.T) {
	l := silentLink(t, silence(t))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err := updateBrokers(ctx, l.main.cl)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(begin), 5*time.Second)
}

func TestUpdateBrokers_ASilentBrokerDoesNotKeepItFromTheOthers(t *testing.T) {
	k, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(k.Close)
	for range 4 { // kgo takes the seeds in a random order
		l := silentLink(t, silence(t), k.ListenAddrs()[0])
		ctx, cancel := context.WithTimeout(t.Context(), AttemptTimeout)
		_, err := updateBrokers(ctx, l.main.cl)
		require.NoError(t, err)
		cancel()
	}
}
