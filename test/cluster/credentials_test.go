package cluster_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
	"go.uber.org/zap"

	"github.com/forebay-go/forebay/internal/cluster"
	"github.com/forebay-go/forebay/internal/faultnet"
	"github.com/forebay-go/forebay/test/proof"
)

// A password is changed at the brokers first, as it is done: what is connected goes on, what
// connects anew is refused, and a client that learns the new password later needs no restart.
func TestCluster_F12_ComesBackWithANewPassword(t *testing.T) {
	proved := proof.Of(t, "F12")
	k, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.EnableSASL(),
		kfake.Superuser("PLAIN", "operator", "secret"),
		kfake.Superuser("SCRAM-SHA-256", "service", "old"))
	require.NoError(t, err)
	defer k.Close()
	var password atomic.Value
	password.Store("old")
	var old atomic.Int64
	link := faultnet.New(new(net.Dialer).DialContext)
	c, err := cluster.New(cluster.Config{
		Name: "test", Seeds: k.ListenAddrs(), Logger: zap.NewNop(), Dial: link.Dial,
		Options: []kgo.Opt{kgo.SASL(scram.Sha256(func(context.Context) (scram.Auth, error) {
			pass := password.Load().(string)
			if pass == "old" {
				old.Add(1)
			}
			return scram.Auth{User: "service", Pass: pass}, nil
		}))},
	})
	require.NoError(t, err)
	c.Start()
	defer c.Close()
	eventually(t, "up", func() bool { return c.Status().State == cluster.Up })
	first := old.Load()

	operator, err := kgo.NewClient(kgo.SeedBrokers(k.ListenAddrs()...), kgo.DisableClientMetrics(),
		kgo.SASL(plain.Auth{User: "operator", Pass: "secret"}.AsMechanism()))
	require.NoError(t, err)
	defer operator.Close()
	done, err := kadm.NewClient(operator).AlterUserSCRAMs(t.Context(), nil, []kadm.UpsertSCRAM{
		{User: "service", Mechanism: kadm.ScramSha256, Iterations: 4096, Password: "new"}})
	require.NoError(t, err)
	require.NoError(t, done.Error())
	require.Equal(t, cluster.Up, c.Status().State)

	link.Reset()
	c.Failed(0, net.ErrClosed)
	c.Failed(1, net.ErrClosed)
	eventually(t, "down", func() bool { return c.Status().State == cluster.Down })
	require.NotEmpty(t, c.Status().Reason)
	begin := time.Now() // before the dials are counted: in this order a starved test sees fewer a second
	before := link.Dials()
	eventually(t, "probes", func() bool { return link.Dials() >= before+10 })
	require.Greater(t, time.Since(begin), 210*time.Millisecond, "ten attempts at two brokers")

	password.Store("new")
	eventually(t, "up again", func() bool { return c.Status().State == cluster.Up })
	proved.Bit("handshakes with a password that is not valid any more", old.Load()-first)
	proved.Held("I10", 1)
	proved.Held("I16", 1)
}
