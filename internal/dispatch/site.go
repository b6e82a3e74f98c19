package dispatch

import (
	"fmt"
	"sync/atomic"

	"github.com/forebay-go/forebay/internal/cluster"
	"github.com/forebay-go/forebay/internal/gate"
)

// Site is a cluster and what the lanes that use it share.
type Site struct {
	*cluster.Cluster
	gate   *gate.Gate
	common *gate.Common
	most   int                            // brokers that un-keyed records keep to; see KeepTo
	ended  atomic.Pointer[cluster.Status] // how it was when it was closed
}

// NewSite returns a site for c. Most is how many of its brokers un-keyed records keep to; 0 means
// few of many, a negative value all.
func NewSite(c *cluster.Cluster, most int, shares gate.Shares) *Site {
	return &Site{Cluster: c, most: most, gate: gate.NewGate(shares),
		common: gate.NewCommon()}
}

// SetShares changes what lower lanes keep of the rate of each broker.
func (c *Site) SetShares(shares gate.Shares) { c.gate.SetShares(shares) }

// Close closes the cluster, and remembers how it was.
func (c *Site) Close() {
	status := c.Status()
	c.ended.CompareAndSwap(nil, &status)
	c.Cluster.Close()
}

// away returns an error that says why the cluster does not answer. It is nil if the cluster
// answers, or did so until it was closed.
func (c *Site) away() error {
	status := c.ended.Load()
	if status == nil {
		now := c.Status()
		status = &now
	}
	if status.State.Ready() || status.State == cluster.Closed {
		return nil
	}
	return fmt.Errorf("cluster %s is %v: %s", c.Name(), status.State, status.Reason)
}
