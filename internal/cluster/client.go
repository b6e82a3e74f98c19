package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// client sends requests to the brokers of a cluster, each at the address that the caller gives. The
// supervisor keeps the only view of the cluster. kgo fills a broker table of its own from any
// answer, so that table is not used. To kgo all brokers are seeds with meaningless names, which it
// leaves alone; client maps a name to the broker when kgo dials.
//
// It is safe for concurrent use.
type client struct {
	dials  *dialer
	away   *distances // nil: not measured
	newKgo func(seeds []string) (*kgo.Client, error)

	mu     sync.Mutex    // guards what follows; never held across I/O
	kgos   []*kgo.Client // each with some of the places
	places []*place
	taken  map[node]*place
}

// node is a broker at an address.
type node struct {
	id   int32 // negative: a seed, whoever answers there
	addr string
}

// place is a seed of a kgo client that stands for a broker. Guarded by the mutex of its client.
type place struct {
	broker *kgo.Broker
	is     node
	asking int       // requests in flight
	used   time.Time // when the last request ended
	opened bool      // a connection was opened for is
}

const (
	firstPlaces = 16          // of the first kgo client; each further client doubles the number
	mostPlaces  = 4096        // at this number the least recently used place is given away
	placeIdle   = time.Minute // after this time without a request a place may be given away
)

// newClient returns a client of the cluster. It does no I/O and fails only on options that
// contradict each other.
func newClient(cfg *Config, o *origin, counts *connections, away *distances,
	more ...kgo.Opt) (*client, error) {
	cl := &client{dials: newDialer(cfg.Dial, o, counts), away: away, taken: make(map[node]*place)}
	cl.newKgo = func(seeds []string) (*kgo.Client, error) {
		own := []kgo.Opt{kgo.Dialer(cl.dial), kgo.WithHooks(cl)}
		return kgo.NewClient(cfg.options(seeds, append(own, more...)...)...)
	}
	return cl, cl.growLocked()
}

// growLocked doubles the number of places with one more kgo client.
func (cl *client) growLocked() error {
	var names []string
	for i := range min(max(firstPlaces, len(cl.places)), mostPlaces-len(cl.places)) {
		names = append(names, placeName+strconv.Itoa(len(cl.places)+i)+":1")
	}
	k, err := cl.newKgo(names)
	if err != nil {
		return err
	}
	cl.kgos = append(cl.kgos, k)
	for _, seed := range k.SeedBrokers() {
		cl.places = append(cl.places, &place{broker: seed})
	}
	return nil
}

// placeName begins the host name of a place in kgo; its number follows.
const placeName = "place-"

// placeAt returns the place that kgo knows as addr, an address or a host.
func (cl *client) placeAt(addr string) *place {
	host, _, _ := strings.Cut(addr, ":")
	number, ours := strings.CutPrefix(host, placeName)
	n, err := strconv.Atoi(number)
	if !ours || err != nil || n >= len(cl.places) {
		return nil
	}
	return cl.places[n]
}

// dial opens a connection to the broker whose place kgo knows as addr.
func (cl *client) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	cl.mu.Lock()
	p, is := cl.placeAt(addr), node{}
	if p != nil {
		is = p.is
	}
	cl.mu.Unlock()
	if is.addr == "" { // kgo asks for metadata on its own account, once an hour
		return nil, &net.OpError{Op: "dial", Net: network, Err: errNobody}
	}
	conn, err := cl.dials.dialNode(ctx, network, is)
	if err != nil {
		return nil, err
	}
	cl.mu.Lock()
	defer cl.mu.Unlock()
	if p.is != is { // another broker took the place meanwhile
		_ = conn.Close()
		return nil, &net.OpError{Op: "dial", Net: network, Err: errNobody}
	}
	p.opened = true
	return conn, nil
}

var errNobody = errors.New("no broker has this place any more")

// OnBrokerE2E implements kgo.HookBrokerE2E. It measures the distance of brokers.
func (cl *client) OnBrokerE2E(of kgo.BrokerMetadata, _ int16, took kgo.BrokerE2E) {
	if cl.away == nil || took.Err() != nil {
		return
	}
	cl.mu.Lock()
	p, id := cl.placeAt(of.Host), int32(-1)
	if p != nil {
		id = p.is.id
	}
	cl.mu.Unlock()
	cl.away.note(id, took.ReadWait+took.TimeToRead)
}

// ask sends req to the broker id at addr and waits for the answer. Seeds have negative IDs.
func (cl *client) ask(ctx context.Context, id int32, addr string, req kmsg.Request) (kmsg.Response,
	error) {
	if addr == "" {
		return nil, fmt.Errorf("broker %d has left the cluster", id)
	}
	p, err := cl.take(node{id, addr})
	if err != nil {
		return nil, err
	}
	resp, err := p.broker.Request(ctx, req)
	cl.mu.Lock()
	defer cl.mu.Unlock()
	p.asking--
	p.used = time.Now()
	return resp, err
}

// take returns the place of a broker, and gives it one if it has none.
func (cl *client) take(is node) (*place, error) {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	p := cl.taken[is]
	if p == nil {
		if p = cl.freeLocked(); p == nil {
			return nil, errors.New("requests to too many brokers are in flight at once")
		}
		delete(cl.taken, p.is)
		if p.opened {
			cl.dials.leave(p.is)
		}
		p.is, p.opened = is, false
		cl.taken[is] = p
	}
	p.asking++
	return p, nil
}

// freeLocked returns a place that another broker may take, nil if there is none.
func (cl *client) freeLocked() *place {
	now := time.Now()
	var oldest *place
	for _, p := range cl.places {
		switch {
		case p.asking > 0:
		case !p.opened || now.Sub(p.used) > placeIdle:
			return p
		case oldest == nil || p.used.Before(oldest.used):
			oldest = p
		}
	}
	if free := len(cl.places); free < mostPlaces && cl.growLocked() == nil {
		return cl.places[free]
	}
	return oldest
}

// close ends all connections. Call ask no more after it.
func (cl *client) close() {
	cl.mu.Lock()
	kgos := cl.kgos
	cl.mu.Unlock()
	for _, k := range kgos {
		k.Close()
	}
}
