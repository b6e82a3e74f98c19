package prom

import (
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kprom"
)

// Connections counts connects, disconnects, bytes and errors of kgo by broker, with franz-go's
// plug-in kprom. It is a hook for producer.WithHooks, and safe for concurrent use.
//
// kprom alone does not work with a producer, which has several kgo clients. It registers its
// metrics for each client and panics for the second; and it removes them when the first client
// closes. Connections registers them once, for all clients. It leaves out the metrics of kgo's own
// producer and consumer, which Forebay does not use.
type Connections struct {
	hooks *kprom.Metrics
	once  sync.Once
	kept  *connectionsOnly
}

// NewConnections returns Connections that register their metrics with to, under namespace and with
// opts, when the first kgo client is made. It overrides opts that choose a registry. If brokers of
// several clusters have the same number, use kprom.BrokerLabels to distinguish them by host.
//
// The registration panics, as in kprom, if to already has metrics of these names. Let several
// producers share one Connections, or give each a namespace or label (kprom.WithStaticLabel).
func NewConnections(to prometheus.Registerer, namespace string, opts ...kprom.Opt) *Connections {
	kept := &connectionsOnly{Registerer: to}
	all := append(append([]kprom.Opt(nil), opts...), kprom.Registerer(kept))
	return &Connections{hooks: kprom.NewMetrics(namespace, all...), kept: kept}
}

// Unregister removes the metrics. Open connections are still counted, but no longer shown.
func (c *Connections) Unregister() { c.kept.unregister() }

// OnNewClient is called by kgo before the client opens a connection.
func (c *Connections) OnNewClient(client *kgo.Client) {
	c.once.Do(func() { c.hooks.OnNewClient(client) })
}

// OnBrokerConnect is called by kgo.
func (c *Connections) OnBrokerConnect(to kgo.BrokerMetadata, took time.Duration, conn net.Conn,
	err error) {
	c.hooks.OnBrokerConnect(to, took, conn, err)
}

// OnBrokerDisconnect is called by kgo.
func (c *Connections) OnBrokerDisconnect(from kgo.BrokerMetadata, conn net.Conn) {
	c.hooks.OnBrokerDisconnect(from, conn)
}

// OnBrokerE2E is called by kgo for each written request and its answer.
func (c *Connections) OnBrokerE2E(broker kgo.BrokerMetadata, key int16, e2e kgo.BrokerE2E) {
	c.hooks.OnBrokerE2E(broker, key, e2e)
}

// OnBrokerThrottle is called by kgo.
func (c *Connections) OnBrokerThrottle(by kgo.BrokerMetadata, interval time.Duration,
	afterResponse bool) {
	c.hooks.OnBrokerThrottle(by, interval, afterResponse)
}

// connectionsOnly registers the metrics by broker. It leaves out the gauges of what one client has
// buffered: they would always be 0, and keep the client in memory.
type connectionsOnly struct {
	prometheus.Registerer

	mu   sync.Mutex // guards kept
	kept []prometheus.Collector
}

// MustRegister registers all of cs except the gauges of one client.
func (r *connectionsOnly) MustRegister(cs ...prometheus.Collector) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range cs {
		if _, ofOneClient := c.(prometheus.GaugeFunc); ofOneClient {
			continue
		}
		r.Registerer.MustRegister(c)
		r.kept = append(r.kept, c)
	}
}

func (r *connectionsOnly) unregister() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.kept {
		r.Unregister(c)
	}
	r.kept = nil
}
