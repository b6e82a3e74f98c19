package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// book is a kgo client and what its own table of brokers says. kgo fills that table from answers that we do not choose,
// which may be another broker's, older or wrong: a broker is only asked where the table agrees with the view. kgo also learns by
// itself, for a broker that it does not know; where it then dials says so.
type book struct {
	cl    *kgo.Client
	dials *dialer
	table atomic.Pointer[map[int32]Broker]
	turn  chan struct{} // one slot; holds a token while the table is brought up to date
}

// newBook returns a client of the cluster. It does no I/O and fails only on options that contradict each other.
func newBook(cfg *Config, o *origin, more ...kgo.Opt) (*book, error) {
	b := &book{dials: newDialer(cfg.Dial, o), turn: make(chan struct{}, 1)}
	b.table.Store(&map[int32]Broker{})
	var err error
	b.cl, err = kgo.NewClient(cfg.options(append(more, kgo.Dialer(b.dials.dial), kgo.WithHooks(b))...)...)
	return b, err
}

var errDisagree = errors.New("brokers do not agree on where it is")

// ask sends req to the broker with the number node, which is at addr.
func (b *book) ask(ctx context.Context, node int32, addr string, req kmsg.Request) (kmsg.Response, error) {
	broker, err := b.find(ctx, node, addr)
	if err != nil {
		return nil, err
	}
	return broker.Request(ctx, req)
}

// find returns the broker with the number node, which is at addr. If that is not what kgo knows, it has kgo learn the
// brokers of its cluster.
func (b *book) find(ctx context.Context, node int32, addr string) (*kgo.Broker, error) {
	if !b.says(node, addr) {
		if err := b.learn(ctx, node, addr); err != nil {
			return nil, err
		}
	}
	return b.cl.Broker(int(node)), nil
}

// OnBrokerConnect implements kgo.HookBrokerConnect. A connection that was meant to lead to another address than the table says,
// or on which we named another cluster or broker than the one that answers, shows that what kgo knows is not what the table says: what is
// asked next has it learn anew.
func (b *book) OnBrokerConnect(to kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	seed := to.NodeID < 0
	if !seed && (errors.Is(err, errElsewhere) || !b.says(to.NodeID, addrOf(to.Host, to.Port))) {
		b.table.Store(&map[int32]Broker{})
	}
}

// says reports whether node is at addr.
func (b *book) says(node int32, addr string) bool {
	known, ok := (*b.table.Load())[node]
	return ok && known.Addr == addr
}

// learn brings the table up to date, and fails if node is not at addr then.
func (b *book) learn(ctx context.Context, node int32, addr string) error {
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if b.says(node, addr) {
		return nil // another has learnt it meanwhile
	}
	table, err := updateBrokers(ctx, b.cl)
	if err != nil {
		return fmt.Errorf("learn the brokers: %w", err)
	}
	b.table.Store(&table)
	if !b.says(node, addr) {
		return fmt.Errorf("broker %d: %w", node, errDisagree)
	}
	return nil
}

// updateTry is how long one broker is waited for where any other would do as well.
const updateTry = time.Second

// updateBrokers has cl learn the brokers of its cluster, and returns them. It asks one after the other: kgo takes the next
// each time, and seeds after all that it knows, which may all be at wrong addresses.
func updateBrokers(ctx context.Context, cl *kgo.Client) (map[int32]Broker, error) {
	for left := len(cl.DiscoveredBrokers()); ; left-- {
		try, cancel := context.WithTimeout(ctx, updateTry)
		resp, err := prompt{cl}.Request(try, metadataRequest(nil))
		silent := errors.Is(err, context.DeadlineExceeded)
		cancel()
		switch {
		case err == nil:
			return brokersOf(resp.(*kmsg.MetadataResponse)), nil
		case ctx.Err() != nil || !silent && !(elsewhere(err) && left > 0):
			return nil, err
		}
	}
}
