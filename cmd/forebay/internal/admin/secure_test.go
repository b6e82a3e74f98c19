//go:build unix

package admin

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/forebay-go/forebay/internal/testca"
	"github.com/forebay-go/forebay/producer"
)

func TestProbe_SpeaksTLSAndSaysWhoItIs(t *testing.T) {
	ca, dir := testca.New(t), t.TempDir()
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(),
		kfake.Superuser("PLAIN", "service", "right"),
		kfake.TLS(&tls.Config{Certificates: []tls.Certificate{
			ca.Issue(t, "broker", time.Hour, "127.0.0.1").TLS(t)}}))
	require.NoError(t, err)
	defer k.Close()
	right := settings(t, k.ListenAddrs()).Clusters["kafka"]
	right.TLS = producer.TLSConfig{Enabled: true, CAFile: testca.Write(t, dir, "ca.pem", ca.PEM())}
	right.SASL = producer.SASLConfig{Mechanism: "plain", User: "service", Password: "right"}
	wrong, stranger := right, right
	wrong.SASL.Password = "wrong"
	stranger.TLS.CAFile = testca.Write(t, dir, "other.pem", testca.New(t).PEM())
	for _, tt := range []struct {
		cluster producer.ClusterConfig
		says    string
	}{
		{right, "TLS and SASL (plain) work"},
		{wrong, "wrong 127.0.0.1"}, // kfake hangs up without a word
		{stranger, "certificate signed by unknown authority"},
	} {
		cfg := settings(t, k.ListenAddrs())
		cfg.Clusters["kafka"] = tt.cluster
		lines := probed(t, cfg, Choices{})
		require.Contains(t, strings.Join(lines, "\n"), tt.says)
	}
}
