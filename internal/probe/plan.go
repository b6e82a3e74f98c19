package probe

import (
	"context"
	"net"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/internal/cluster"
)

// patience bounds the wait for one broker.
const patience = 5 * time.Second

// Cluster is a cluster to ask, and what is wanted of it.
type Cluster struct {
	Name     string
	Seeds    []string // host:port
	ID       string   // the cluster ID that brokers must report; empty: all the same
	ClientID string
	TLS      bool   // Dial speaks TLS
	SASL     string // the mechanism; empty: none
	Create   *cluster.Creation
	Wanted   []Wanted // topics of this cluster

	Dial    cluster.DialFunc
	Options []kgo.Opt // added last, for SASL

	BatchBytes  int  // batching.max_bytes
	RecordBytes int  // batching.max_record_bytes
	LeaderAcks  bool // of topics without a setting of their own
}

// client returns a client of some brokers. Its connections and requests end with ctx.
func (c *Cluster) client(ctx context.Context, seeds ...string) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(seeds...),
		kgo.ClientID(c.ClientID),
		kgo.DisableClientMetrics(), // Close would wait for their last push
		kgo.RequestRetries(0),
		kgo.RetryTimeout(patience),
		kgo.RequestTimeoutOverhead(patience),
		kgo.Dialer(func(_ context.Context, network, addr string) (net.Conn, error) {
			return c.dial(ctx, network, addr)
		}),
	}, c.Options...)...)
}

// dial opens a connection as a producer does: within a second. Its errors are those after which kgo
// does not dial again by itself.
func (c *Cluster) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, cluster.DialTimeout)
	defer cancel()
	return c.Dial(ctx, network, addr)
}

// spoken describes the connection to a cluster that has answered.
func (c *Cluster) spoken() string {
	switch {
	case c.TLS && c.SASL != "":
		return "TLS and SASL (" + c.SASL + ") work"
	case c.TLS:
		return "TLS works; SASL is not set"
	case c.SASL != "":
		return "SASL (" + c.SASL + ") works; TLS is not set"
	}
	return "neither TLS nor SASL is set"
}

// numbers reports whether any batch to the cluster has a producer ID: those with acks from the
// leader alone have none.
func (c *Cluster) numbers() bool {
	return !c.LeaderAcks ||
		slices.ContainsFunc(c.Wanted, func(w Wanted) bool { return !w.LeaderAcks })
}
