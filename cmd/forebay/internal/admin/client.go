package admin

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/forebay-go/forebay/internal/dns"
	"github.com/forebay-go/forebay/internal/secure"
	"github.com/forebay-go/forebay/producer"
)

// patience bounds the wait for one broker.
const patience = 5 * time.Second

// Options returns how a client connects to the cluster called name in cfg.
func Options(cfg producer.Config, name string) []kgo.Opt {
	return options("clusters."+name, cfg.Clusters[name])
}

// options returns how a client connects to a cluster. field is the path of its settings.
func options(field string, cluster producer.ClusterConfig) []kgo.Opt {
	opts := []kgo.Opt{
		kgo.SeedBrokers(cluster.Brokers...),
		kgo.RequestRetries(1),
		kgo.RetryTimeout(2 * patience),
		kgo.ClientID("forebay"),
	}
	if t := cluster.TLS; t.Enabled {
		files := secure.TLS{CAFile: t.CAFile, CertFile: t.CertFile, KeyFile: t.KeyFile,
			ServerName: t.ServerName}
		source := files.Source(zap.NewNop(), field+".tls")
		opts = append(opts, kgo.Dialer(secure.Dial(source, shielded)))
	} else {
		opts = append(opts, kgo.DialTimeout(patience))
	}
	if s := cluster.SASL; s.Mechanism != "" {
		who := secure.SASL{User: s.User, Password: string(s.Password), PasswordFile: s.PasswordFile,
			TokenFile: s.TokenFile}
		opts = append(opts, kgo.SASL(secure.Mechanism(s.Mechanism,
			who.Source(zap.NewNop(), field+".sasl"))))
	}
	return opts
}

// shielded returns a dialer for TLS connections with cfg.
func shielded(cfg *tls.Config) secure.DialFunc {
	dial := dns.Shielded(new(net.Dialer).DialContext, cfg)
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		return dial(ctx, network, addr)
	}
}

// newClient returns a client of the cluster called name in cfg.
func newClient(cfg producer.Config, name string) (*kgo.Client, error) {
	return kgo.NewClient(Options(cfg, name)...)
}
