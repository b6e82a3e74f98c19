package cluster

import (
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/zap"

	"github.com/forebay-go/forebay/internal/faultnet"
)

// kgo dials four times in a row where its first question is answered by a reset: some brokers do
// that with versions that they do not know.
func TestCluster_ABrokerThatResetsAfterItWasWellIsTriedOnceAProbe(t *testing.T) {
	k := fake(t, kfake.NumBrokers(1))
	defer k.Close()
	link := faultnet.New(new(net.Dialer).DialContext)
	c, err := New(Config{Name: "test", Seeds: k.ListenAddrs(), Logger: zap.NewNop(),
		Dial: link.Dial})
	require.NoError(t, err)
	c.Start()
	defer c.Close()
	eventually(t, "up", func() bool { return c.Status().State == Up })
	link.CutAfterWrites(1)
	c.Failed(0, syscall.ECONNRESET)
	eventually(t, "down", func() bool { return c.Status().State == Down })
	begin := time.Now() // first: a test that gets no processor in between sees fewer dials a second
	before := link.Dials()
	const attempts = 20
	eventually(t, "probes", func() bool { return link.Dials() >= before+attempts })
	require.Greater(t, time.Since(begin), (attempts-silentFree)*probeSoon*7/10)
	link.CutAfterWrites(0)
	eventually(t, "up again", func() bool { return c.Status().State == Up })
}
