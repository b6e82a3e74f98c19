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

// client asks the brokers of a cluster, each at the address that the caller says. There is one view
// of a cluster, the supervisor's: kgo's own table of brokers, which it fills from whatever answers
// it gets, is not used. To kgo all brokers are seeds, which it takes as they are, with names that
// mean nothing; where a connection to one of them leads is looked up when it is dialled.
//
// It is safe for concurrent use.
type client struct {
	dials *dialer
	away  *distances // nil: not measured
	more  func(seeds []string) (*kgo.Client, error)

	mu      sync.Mutex    // guards what follows; never held across I/O
	clients []*kgo.Client // each with some of the places
	places  []*place
	taken   map[node]*place
}

// node is a broker at an address.
type node struct {
	id   int32 // negative: a seed, that is whoever answers
	addr string
}

// place is a seed of kgo's that stands for a broker. Guarded by the mutex of its client.
type place struct {
	broker *kgo.Broker
	is     node
	asking int       // requests that are going on
	used   time.Time // when the last one ended
	opened bool      // a connection
}

const (
	firstPlaces = 16          // a client has so many, the next one as many as there are by then
	mostPlaces  = 4096        // beyond it whoever was not asked for longest has to go
	placeIdle   = time.Minute // when a place may be given to another
)

// newClient returns a client for the cluster. It does no I/O and fails only on options that contradict
// each other.
func newClient(cfg *Config, o *origin, away *distances, more ...kgo.Opt) (*client, error) {
	b := &client{dials: newDialer(cfg.Dial, o), away: away, taken: make(map[node]*place)}
	b.more = func(seeds []string) (*kgo.Client, error) {
		return kgo.NewClient(cfg.options(seeds,
			append([]kgo.Opt{kgo.Dialer(b.dial), kgo.WithHooks(b)}, more...)...)...)
	}
	return b, b.growLocked()
}

// growLocked makes as many places as there are, on one more client.
func (b *client) growLocked() error {
	var names []string
	for i := range min(max(firstPlaces, len(b.places)), mostPlaces-len(b.places)) {
		names = append(names, placeName+strconv.Itoa(len(b.places)+i)+":1")
	}
	cl, err := b.more(names)
	if err != nil {
		return err
	}
	b.clients = append(b.clients, cl)
	for _, seed := range cl.SeedBrokers() {
		b.places = append(b.places, &place{broker: seed})
	}
	return nil
}

// placeName is what kgo takes for the host of a place, before its number.
const placeName = "place-"

// placeAt returns the place that kgo means by addr or host.
func (b *client) placeAt(addr string) *place {
	host, _, _ := strings.Cut(addr, ":")
	number, ours := strings.CutPrefix(host, placeName)
	n, err := strconv.Atoi(number)
	if !ours || err != nil || n >= len(b.places) {
		return nil
	}
	return b.places[n]
}

// dial opens a connection to whoever has the place that kgo means by addr.
func (b *client) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	b.mu.Lock()
	p, is := b.placeAt(addr), node{}
	if p != nil {
		is = p.is
	}
	b.mu.Unlock()
	if is.addr == "" { // kgo asks for itself, once an hour
		return nil, &net.OpError{Op: "dial", Net: network, Err: errNobody}
	}
	conn, err := b.dials.dialNode(ctx, network, is)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.is != is { // nobody waits for it any more
		_ = conn.Close()
		return nil, &net.OpError{Op: "dial", Net: network, Err: errNobody}
	}
	p.opened = true
	return conn, nil
}

var errNobody = errors.New("nobody has that place any more")

// OnBrokerE2E implements kgo.HookBrokerE2E.
func (b *client) OnBrokerE2E(of kgo.BrokerMetadata, _ int16, took kgo.BrokerE2E) {
	if b.away == nil || took.Err() != nil {
		return
	}
	b.mu.Lock()
	p, id := b.placeAt(of.Host), int32(-1)
	if p != nil {
		id = p.is.id
	}
	b.mu.Unlock()
	b.away.note(id, took.ReadWait+took.TimeToRead)
}

// ask sends req to the broker with the number id, which is at addr. Seeds have negative numbers.
func (b *client) ask(ctx context.Context, id int32, addr string, req kmsg.Request) (kmsg.Response,
	error) {
	if addr == "" {
		return nil, fmt.Errorf("broker %d has left the cluster", id)
	}
	p, err := b.take(node{id, addr})
	if err != nil {
		return nil, err
	}
	resp, err := p.broker.Request(ctx, req)
	b.mu.Lock()
	defer b.mu.Unlock()
	p.asking--
	p.used = time.Now()
	return resp, err
}

// take returns the place of a broker, which gets one if it has none.
func (b *client) take(is node) (*place, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.taken[is]
	if p == nil {
		if p = b.freeLocked(); p == nil {
			return nil, errors.New("too many brokers are asked at once")
		}
		delete(b.taken, p.is)
		if p.opened {
			b.dials.leave(p.is)
		}
		p.is, p.opened = is, false
		b.taken[is] = p
	}
	p.asking++
	return p, nil
}

// freeLocked returns a place that is not in use, nil if there is none.
func (b *client) freeLocked() *place {
	now := time.Now()
	var oldest *place
	for _, p := range b.places {
		switch {
		case p.asking > 0:
		case !p.opened || now.Sub(p.used) > placeIdle:
			return p
		case oldest == nil || p.used.Before(oldest.used):
			oldest = p
		}
	}
	if free := len(b.places); free < mostPlaces && b.growLocked() == nil {
		return b.places[free]
	}
	return oldest
}

// close ends all connections. Nothing may be asked any more.
func (b *client) close() {
	b.mu.Lock()
	clients := b.clients
	b.mu.Unlock()
	for _, cl := range clients {
		cl.Close()
	}
}
