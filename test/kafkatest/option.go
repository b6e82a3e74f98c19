//go:build unix

package kafkatest

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// Option changes the cluster that Start starts.
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

// Brokers sets the number of brokers, 1 to 3. The default is 1.
func Brokers(n int) Option { return optionFunc(func(c *config) { c.brokers = n }) }

// Property sets one server property on every broker, over the package's own. It is for what does
// not concern listeners, folders and node ids: "min.insync.replicas", "message.max.bytes".
func Property(key, value string) Option {
	return optionFunc(func(c *config) { c.extra[key] = value })
}

// Steady has no broker taken for dead within half a minute, in place of two seconds. It is for a
// cluster whose brokers nobody ends: on a busy machine one may get no processor for a second or
// two, and must not lose its partitions for that. One that is killed could not come back as soon.
func Steady() Option {
	return optionFunc(func(c *config) {
		c.extra["broker.session.timeout.ms"] = "30000"
		c.extra["controller.quorum.fetch.timeout.ms"] = "10000"
	})
}

// Racks sets broker.rack: the first name for the first broker, and so on. Brokers beyond the names
// have none.
func Racks(names ...string) Option { return optionFunc(func(c *config) { c.racks = names }) }

// Version sets the version of Kafka, one that Maven Central has: from 1.0 to 2.3, or from 3.3 on.
// Before 3.3 the cluster has one more process, ZooKeeper, and brokers cannot be added. The default
// is 4.1.0, the only version that starts in two seconds.
func Version(v string) Option { return optionFunc(func(c *config) { c.version = v }) }

// Heap sets the most heap a broker may take, in MiB. The default is 384.
func Heap(mebibytes int) Option { return optionFunc(func(c *config) { c.heapMiB = mebibytes }) }

type config struct {
	brokers int
	extra   map[string]string
	racks   []string
	heapMiB int
	version string          // of Kafka
	secure  *secureListener // nil: none
	// nil: brokers need none; set when the folders are written
	keeper *keeper
	named  bool // there is a listener for names
	// besides the usual ones; set when the class archive is written
	jvmFlags  []string
	pickPorts func(n int) ([]*port, error) // replaced by tests
}

func newConfig(opts []Option) config {
	c := config{brokers: 1, heapMiB: 384, version: kafkaVersion, extra: make(map[string]string),
		pickPorts: pickPorts}
	for _, o := range opts {
		o.apply(&c)
	}
	return c
}

// properties returns the server properties of b, one of all.
func (c *config) properties(b *Broker, all []*Broker) map[string]string {
	n := strconv.Itoa(len(all))
	voters := make([]string, 0, len(all))
	for _, v := range all {
		if v.voter {
			voters = append(voters, fmt.Sprintf("%d@%s", v.nodeID, v.controller.addr()))
		}
	}
	p := map[string]string{
		"process.roles": "broker,controller",
		"node.id":       strconv.Itoa(int(b.nodeID)),
		"listeners": "PLAINTEXT://" + b.client.addr() + ",CONTROLLER://" +
			b.controller.addr(),
		"advertised.listeners":           "PLAINTEXT://" + b.client.addr(),
		"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"inter.broker.listener.name":     "PLAINTEXT",
		"controller.listener.names":      "CONTROLLER",
		"controller.quorum.voters":       strings.Join(voters, ","),
		"log.dirs":                       b.dataDir(),
		"auto.create.topics.enable":      "false",
		"num.partitions":                 "1",
		"default.replication.factor":     n,
		"log.segment.bytes":              "16777216",
		"log.index.size.max.bytes":       "1048576",
		// the default takes 128 MiB of heap at once
		"log.cleaner.dedupe.buffer.size":        "2097152",
		"group.initial.rebalance.delay.ms":      "0",
		"group.coordinator.threads":             "1",
		"num.network.threads":                   "2",
		"num.io.threads":                        "4",
		"broker.session.timeout.ms":             "1500",
		"broker.heartbeat.interval.ms":          "300",
		"controller.quorum.fetch.timeout.ms":    "1000",
		"controller.quorum.election.timeout.ms": "300",
		// The wait after a lost election; three nodes that start together lose some.
		"controller.quorum.election.backoff.max.ms": "100",
		// Then a broker that is no part of a cluster yet ends itself.
		"initial.broker.registration.timeout.ms": strconv.Itoa(int(startLimit.Milliseconds())),

		"offsets.topic.num.partitions":                     "2",
		"offsets.topic.replication.factor":                 n,
		"transaction.state.log.num.partitions":             "2",
		"transaction.state.log.replication.factor":         n,
		"transaction.state.log.min.isr":                    "1",
		"share.coordinator.state.topic.num.partitions":     "2",
		"share.coordinator.state.topic.replication.factor": n,
		"share.coordinator.state.topic.min.isr":            "1",
	}
	if !b.voter {
		p["process.roles"] = "broker"
		p["listeners"] = p["advertised.listeners"]
	}
	if c.keeper != nil {
		c.keeper.properties(b, p)
	}
	if i := int(b.nodeID) - 1; i < len(c.racks) {
		p["broker.rack"] = c.racks[i]
	}
	maps.Copy(p, c.extra)
	return p
}
