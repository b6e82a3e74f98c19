package prom

import (
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kprom"
)

// Connections counts what kgo does on its connections, by franz-go's plug-in kprom: connects,
// disconnects, bytes and errors by broker. It is a hook, for producer.WithHooks, and safe for
// concurrent use.
//
// kprom by itself cannot be given to a producer, which has several clients of kgo: it registers its
// metrics with each, which fails with a panic for the second, and takes them away with the first
// that is closed. Connections registers them once, for all clients, and leaves out those of kgo's
// own producer and consumer, which Forebay does not use.
type Connections struct {
	hooks *kprom.Metrics
	once  sync.Once
	kept  *connectionsOnly
}

// NewConnections returns connections whose metrics are registered with to, under namespace and as
// opts say, when the first client of kgo is made. Those opts that choose a registry are overruled.
// Where several clusters have brokers of the same number, kprom.BrokerLabels tells them apart by
// their hosts.
//
// It panics then, as kprom does, if to has metrics of these names: several producers share one
// Connections, or have namespaces or labels (kprom.WithStaticLabel) of their own.
func NewConnections(to prometheus.Registerer, namespace string, opts ...kprom.Opt) *Connections {
	kept := &connectionsOnly{Registerer: to}
	all := append(append([]kprom.Opt(nil), opts...), kprom.Registerer(kept))
	return &Connections{hooks: kprom.NewMetrics(namespace, all...), kept: kept}
}

// Unregister takes the metrics away. What is connected goes on being counted, where nobody sees it.
func (c *Connections) Unregister() { c.kept.unregister() }

// OnNewClient is called by kgo, before the client opens a connection.
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

// OnBrokerE2E is called by kgo, for each request that was written, and its answer.
func (c *Connections) OnBrokerE2E(broker kgo.BrokerMetadata, key int16, e2e kgo.BrokerE2E) {
	c.hooks.OnBrokerE2E(broker, key, e2e)
}

// OnBrokerThrottle is called by kgo.
func (c *Connections) OnBrokerThrottle(by kgo.BrokerMetadata, interval time.Duration,
	afterResponse bool) {
	c.hooks.OnBrokerThrottle(by, interval, afterResponse)
}

// connectionsOnly registers what is counted by broker. What kprom reads from one client when it is
// asked, how much that has buffered, would be 0 for ever, and keep the client in memory.
type connectionsOnly struct {
	prometheus.Registerer

	mu   sync.Mutex // guards what follows
	kept []prometheus.Collector
}

// MustRegister registers all of cs that is not about one client.
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
