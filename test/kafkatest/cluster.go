//go:build unix

package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// for a whole cluster or one broker to answer; on a starved machine it is slow
	startLimit   = 3 * time.Minute
	requestLimit = 30 * time.Second // for what is asked of a cluster that answers
	startTries   = 3                // with other ports, when some were taken
)

// Cluster is a Kafka cluster of one to three brokers, each of them a controller too, and those of
// AddBroker.
type Cluster struct {
	id      string    // Kafka's cluster id
	dir     string    // settings, data and logs of all brokers; removed by close
	cfg     config    // of the brokers that it began with, and of those that are added
	brokers []*Broker // node ids 1, 2, 3 and so on
	// of the listeners that Named adds, each on an address of its own; nil before there are brokers
	named *port
}

// Start starts a cluster and returns when each broker knows all of them. It ends with t, and when t
// failed, the last lines of each broker's log are in t's log. Start fails t where Java or Maven is
// missing, or skips it (see SkipVariable).
func Start(t testing.TB, opts ...Option) *Cluster {
	t.Helper()
	cfg := newConfig(opts)
	k := needKitOf(t, cfg.version)
	c, err := newCluster(cfg)
	if err != nil {
		t.Fatalf("kafkatest: %v", err)
	}
	t.Cleanup(func() {
		c.logOnFailure(t)
		c.close()
	})
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	if err := c.boot(ctx, k, cfg); err != nil {
		t.Fatalf("kafkatest: start the cluster: %v", err)
	}
	return c
}

// newCluster makes the folder of a cluster; boot starts it.
func newCluster(cfg config) (*Cluster, error) {
	if cfg.brokers < 1 || cfg.brokers > 3 {
		return nil, fmt.Errorf("a cluster has 1 to 3 brokers, not %d", cfg.brokers)
	}
	dir, err := os.MkdirTemp("", "kafkatest-")
	if err != nil {
		return nil, fmt.Errorf("make the folder of a cluster: %w", err)
	}
	return &Cluster{id: newUUID(), dir: dir, cfg: cfg}, nil
}

// boot starts every broker and waits until each sees all. Between the check that a port is free and
// the bind of the JVM another program may take it, so a start that failed for that is tried again
// with other ports and empty folders.
func (c *Cluster) boot(ctx context.Context, k *kit, cfg config) error {
	for try := 1; ; try++ {
		err := c.bootOnce(ctx, k, cfg)
		if err == nil || !errors.Is(err, errPortTaken) || try == startTries {
			return err
		}
		c.killAll()
	}
}

func (c *Cluster) bootOnce(ctx context.Context, k *kit, cfg config) error {
	if err := c.layOut(k, cfg); err != nil {
		return err
	}
	if c.cfg.keeper != nil {
		if err := c.cfg.keeper.start(ctx, k); err != nil {
			return err
		}
	}
	for _, b := range c.brokers {
		if err := b.spawn(); err != nil {
			return err
		}
	}
	for _, b := range c.brokers {
		if err := b.await(ctx, len(c.brokers)); err != nil {
			return err
		}
	}
	return nil
}

// layOut picks the ports of all brokers and writes their folders. The ports are held until close.
func (c *Cluster) layOut(k *kit, cfg config) error {
	ports, err := cfg.pickPorts(portsEach*cfg.brokers + 2)
	if err != nil {
		return err
	}
	if last := ports[portsEach*cfg.brokers+1]; k.keeper() {
		c.cfg.keeper = &keeper{port: last, dir: filepath.Join(c.dir, "keeper")}
	} else {
		last.release()
	}
	c.brokers, c.named = nil, ports[portsEach*cfg.brokers]
	for i := range cfg.brokers {
		c.brokers = append(c.brokers, c.newBroker(k, ports[portsEach*i:]))
	}
	for _, b := range c.brokers {
		b.voter = true
	}
	for _, b := range c.brokers {
		if err := c.format(b); err != nil {
			return err
		}
	}
	return nil
}

// portsEach are the ports that a broker takes for itself.
const portsEach = 3

// newBroker returns the next broker of the cluster, with the first of ports. It is not written
// anywhere yet.
func (c *Cluster) newBroker(k *kit, ports []*port) *Broker {
	id := len(c.brokers) + 1
	b := &Broker{
		kit:        k,
		heapMiB:    c.cfg.heapMiB,
		jvmFlags:   c.cfg.jvmFlags,
		nodeID:     int32(id),
		client:     ports[0],
		controller: ports[1],
		secure:     ports[2],
		dir:        filepath.Join(c.dir, fmt.Sprintf("node-%d", id)),
	}
	if c.cfg.named {
		b.named = newNamed(id, c.named)
	}
	return b
}

func (c *Cluster) format(b *Broker) error {
	if err := b.format(c.id, c.cfg.properties(b, c.brokers), c.cfg.secure); err != nil {
		return fmt.Errorf("write the folder of broker %d: %w", b.nodeID, err)
	}
	return nil
}

// AddBroker starts one more broker, which is not a controller and holds nothing yet, and returns
// when all that run know it.
func (c *Cluster) AddBroker(t testing.TB) *Broker {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	for try := 1; ; try++ {
		b, err := c.addOnce(ctx)
		if err == nil {
			return b
		}
		if !errors.Is(err, errPortTaken) || try == startTries {
			t.Fatalf("kafkatest: add a broker: %v", err)
		}
		b.abandon()
		c.brokers = c.brokers[:len(c.brokers)-1]
	}
}

// addOnce returns the broker also where it did not start, if it got so far as to have ports.
func (c *Cluster) addOnce(ctx context.Context) (*Broker, error) {
	ports, err := c.cfg.pickPorts(portsEach)
	if err != nil {
		return nil, err
	}
	b := c.newBroker(c.brokers[0].kit, ports)
	c.brokers = append(c.brokers, b)
	if err := c.format(b); err != nil {
		return b, err
	}
	if err := b.spawn(); err != nil {
		return b, err
	}
	if err := b.await(ctx, 1); err != nil {
		return b, err
	}
	for _, other := range c.live() {
		if err := other.awaitNodes(ctx, func(nodes []int32) bool {
			return slices.Contains(nodes, b.nodeID)
		}); err != nil {
			return b, err
		}
	}
	return b, nil
}

// Seeds returns the addresses of all brokers, running or not, in the order of their node ids.
func (c *Cluster) Seeds() []string {
	seeds := make([]string, 0, len(c.brokers))
	for _, b := range c.brokers {
		seeds = append(seeds, b.Addr())
	}
	return seeds
}

// Broker returns the broker with index i, counted from 0; its node id is i+1.
func (c *Cluster) Broker(i int) *Broker { return c.brokers[i] }

// Brokers returns all brokers, running or not, in the order of their node ids. The caller owns the
// slice.
func (c *Cluster) Brokers() []*Broker { return append([]*Broker(nil), c.brokers...) }

// Admin returns a client for all else a test asks of Kafka. It is closed when t ends. The client
// answers questions about topics from what it learned within the last 10 ms; a new client knows
// nothing yet.
func (c *Cluster) Admin(t testing.TB) *kadm.Client {
	t.Helper()
	cl, err := newClient(c.Seeds())
	if err != nil {
		t.Fatalf("kafkatest: %v", err)
	}
	t.Cleanup(cl.Close)
	return kadm.NewClient(cl)
}

// live returns the brokers that run and are not paused.
func (c *Cluster) live() []*Broker {
	var live []*Broker
	for _, b := range c.brokers {
		if b.answers() {
			live = append(live, b)
		}
	}
	return live
}

// liveClient returns a client that starts from the live brokers, so that no request is spent on a
// paused one.
func (c *Cluster) liveClient(opts ...kgo.Opt) (*kgo.Client, error) {
	live := c.live()
	if len(live) == 0 {
		return nil, errors.New("no broker of the cluster is running")
	}
	seeds := make([]string, 0, len(live))
	for _, b := range live {
		seeds = append(seeds, b.Addr())
	}
	return newClient(seeds, opts...)
}

func newClient(seeds []string, opts ...kgo.Opt) (*kgo.Client, error) {
	// The client's defaults suit long-lived programs; a test wants to see a new topic or leader at
	// once.
	base := []kgo.Opt{
		kgo.SeedBrokers(seeds...),
		kgo.ClientID("kafkatest"),
		kgo.MetadataMinAge(10 * time.Millisecond),
		kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }),
	}
	return kgo.NewClient(append(base, opts...)...)
}

func (c *Cluster) logOnFailure(t testing.TB) {
	if !t.Failed() {
		return
	}
	for _, b := range c.brokers {
		t.Logf("kafkatest: the last lines of broker %d (%s):\n%s", b.nodeID, b.Addr(), b.logTail())
	}
}

// abandon kills the broker and gives its ports back.
func (b *Broker) abandon() {
	_ = b.kill() // an error means that the process had ended by itself
	b.client.release()
	b.controller.release()
	b.secure.release()
}

// killAll kills every broker and gives its ports back.
func (c *Cluster) killAll() {
	for _, b := range c.brokers {
		b.abandon()
	}
	if c.named != nil {
		c.named.release()
	}
	if c.cfg.keeper != nil {
		c.cfg.keeper.end()
	}
}

func (c *Cluster) close() {
	c.killAll()
	// no process writes to it any more; what is left is in the temporary folder
	_ = os.RemoveAll(c.dir)
}
