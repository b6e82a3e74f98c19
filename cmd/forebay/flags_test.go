package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// The tooling of this repository has variables of the same prefix.
func init() { environ = func() []string { return nil } }

// settingsFile writes text to a file and returns its path.
func settingsFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "forebay.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func parse(t *testing.T, args ...string) *flags {
	t.Helper()
	s := new(flags)
	f := pflag.NewFlagSet("test", pflag.ContinueOnError)
	s.register(f)
	require.NoError(t, f.Parse(args))
	return s
}

func TestSettings_BecomeTheConfigOfTheLibrary(t *testing.T) {
	s := parse(t, "--brokers", "a:1, b:2", "--priority", "low", "--key-separator", `\t|`,
		"--linger", "0", "--buffer", "2MiB",
		"--compression", "lz4", "--acks", "leader", "--delivery-timeout", "2h")
	c := s.config()
	require.Equal(t, []string{"a:1", "b:2"}, c.Clusters[clusterName].Brokers)
	require.Equal(t, routing.Low, s.priority)
	require.Equal(t, "\t|", string(s.separator()))
	require.Equal(t, producer.NoLinger, c.Batching.Linger)
	require.EqualValues(t, 2<<20, c.Buffer.MaxBytes)
	require.Equal(t, "lz4", c.Batching.Compression)
	require.Equal(t, "leader", c.Batching.Acks)
	require.Equal(t, 2*time.Hour, c.Priorities.Low.DeliveryTimeout)
	require.Equal(t, producer.Never, c.Priorities.Low.MoveUnresolvedAfter)
}

func TestSettings_HaveDefaultsForAFileThatIsToArriveWhole(t *testing.T) {
	s := parse(t, "--brokers", "a:1", "--topic", "t")
	require.NoError(t, s.check(func(string) bool { return false }))
	c := s.config()
	require.Equal(t, time.Hour, c.Priorities.Medium.DeliveryTimeout)
	require.Equal(t, "all", c.Batching.Acks)
	require.EqualValues(t, 64<<20, c.Buffer.MaxBytes)
	require.Equal(t, 30*time.Second, s.closeTimeout)
	require.Empty(t, s.separator())
}
