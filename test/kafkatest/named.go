//go:build unix

package kafkatest

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"testing"
)

// Named gives each broker a second listener, which it advertises by a name that nobody knows but
// the resolver of the test: "broker-1.kafka.test" for the first, and so on. All have one port, on
// an address of each broker's own, 127.0.0.2 for the first, which [Broker.Move] changes, as
// [Broker.Rename] does the name. Where the names lead is Names, to be given to that resolver
// whenever it is to learn of it. Everything in this package goes on to use the listener that has
// always been at the same address. It needs a system for which all of 127.0.0.0/8 is loopback, as
// Linux is.
func Named() Option { return optionFunc(func(c *config) { c.named = true }) }

// named is the listener of a broker that is found by its name.
type named struct {
	host, ip string
	port     int
}

func newNamed(id int, p *port) *named {
	return &named{host: fmt.Sprintf("broker-%d.kafka.test", id),
		ip: fmt.Sprintf("127.0.0.%d", id+1), port: p.number}
}

func (n named) addr() string { return net.JoinHostPort(n.host, strconv.Itoa(n.port)) }

// properties adds the listener to those of a broker.
func (n *named) properties(p map[string]string) {
	const name = "NAMED"
	p["listeners"] += fmt.Sprintf(",%s://%s:%d", name, n.ip, n.port)
	p["advertised.listeners"] += "," + name + "://" + n.addr()
	p["listener.security.protocol.map"] += "," + name + ":PLAINTEXT"
}

// NamedSeeds returns the addresses that brokers advertise on the listeners of Named, in the order
// of the node ids.
func (c *Cluster) NamedSeeds() []string {
	var seeds []string
	for _, b := range c.brokers {
		seeds = append(seeds, b.whereabouts().addr())
	}
	return seeds
}

// Names returns the names of all brokers, with the one address that each leads to.
func (c *Cluster) Names() map[string][]string {
	names := make(map[string][]string)
	for _, b := range c.brokers {
		n := b.whereabouts()
		names[n.host] = []string{n.ip}
	}
	return names
}

// Move has the listener of Named be at another address, one of 127.0.0.0/8, when the broker is
// started. It fails t when the broker runs.
func (b *Broker) Move(t testing.TB, ip string) {
	t.Helper()
	b.rename(t, func(n *named) { n.ip = ip })
}

// Rename has the broker go by another name on the listener of Named when it is started. It fails t
// when the broker runs.
func (b *Broker) Rename(t testing.TB, host string) {
	t.Helper()
	b.rename(t, func(n *named) { n.host = host })
}

func (b *Broker) rename(t testing.TB, change func(*named)) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	err := errors.New("it is running")
	if b.proc == nil {
		change(b.named)
		err = b.writeProperties()
	}
	if err != nil {
		t.Errorf("kafkatest: move broker %d: %v", b.nodeID, err)
	}
}

func (b *Broker) whereabouts() named {
	b.mu.Lock()
	defer b.mu.Unlock()
	return *b.named
}
