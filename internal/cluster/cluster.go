package cluster

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
)

// Config names a cluster and says how to reach it. Name, Seeds and Logger are needed.
type Config struct {
	Name     string
	Seeds    []string // host:port
	ID       string   // cluster ID that brokers must report; empty: that of the first answer
	ClientID string
	// how long brokers remember a producer, unless they report it themselves; 0: DefaultMemory
	Memory time.Duration
	// The longest time between probes of a broker in an outage; 0: ProbeMax. The time is random,
	// and at least half of that. In a short outage it is a twentieth: see walk.
	ProbeMax time.Duration
	Dial     DialFunc
	Create   *Creation // how missing topics are created; nil: they are waited for
	Logger   *zap.Logger
	Options  []kgo.Opt // added last, for TLS and SASL
}

// Cluster is one Kafka cluster that may be away.
type Cluster struct {
	cfg         Config
	origin      *origin
	control     *client // for metadata and probes; produce requests never wait in its queues
	common      *client // for produce requests of all links
	helper      *client // for rare questions: its connections end when they are answered
	connections connections
	users       atomic.Int32 // the cluster until it is closed, and its links
	away        *distances
	memory      *memory

	view atomic.Pointer[View]
	// one slot; sent by whoever wants newer metadata, received by the supervisor; never closed
	hurry chan struct{}
	done  chan struct{} // closed by the supervisor when it ends
	stop  context.CancelFunc
	ended sync.Once
	ctx   context.Context // of the supervisor and all its requests; not a caller's

	mu       sync.Mutex     // guards what follows; never held across I/O or a callback
	wanted   map[string]int // topics, and how many callers want each
	failed   []failure      // since the supervisor last looked
	old      []string       // topics with outdated metadata, since the supervisor last looked
	status   Status
	missed   bool       // "cluster not reached yet" was logged
	kinds    kinds      // of the reasons why it is not up
	watchers []*watcher // replaced, never changed in place
}

const (
	controlIdle = 2 * metadataAge // after which a connection of control may end
	helperIdle  = time.Second     // and one of helper
)

// reachBy is how long a new cluster may stay unanswered before that is logged.
const reachBy = 5 * time.Second

type watcher struct{ fn func() }

// failure is a failed connection of a link to a broker.
type failure struct {
	node int32
	err  error
}

// New returns a cluster that is not supervised yet. It does no I/O and fails only on options that
// contradict each other.
func New(cfg Config) (*Cluster, error) {
	if cfg.ProbeMax == 0 {
		cfg.ProbeMax = ProbeMax
	}
	c := &Cluster{
		cfg:    cfg,
		origin: newOrigin(&cfg),
		away:   &distances{latest: make(map[int32][]time.Duration)},
		memory: newMemory(cfg.Memory),
		hurry:  make(chan struct{}, 1),
		done:   make(chan struct{}),
		wanted: make(map[string]int),
		status: Status{State: Connecting, Since: time.Now(), Reason: "nobody has answered yet"},
	}
	if err := c.newClients(); err != nil {
		return nil, err
	}
	c.users.Store(1)
	c.ctx, c.stop = context.WithCancel(context.Background())
	c.view.Store(&View{State: Connecting})
	return c, nil
}

func (c *Cluster) newClients() (err error) {
	if c.common, err = c.cfg.newProduceClient(c.origin, &c.connections); err != nil {
		return err
	}
	ask := func(away *distances, idle time.Duration) (*client, error) {
		return newClient(&c.cfg, c.origin, &c.connections, away, kgo.ConnIdleTimeout(idle),
			// kgo itself gives up a connection that does not answer
			kgo.RequestTimeoutOverhead(askTimeout), kgo.RetryTimeout(askTimeout))
	}
	if c.control, err = ask(c.away, controlIdle); err != nil {
		return err
	}
	c.helper, err = ask(nil, helperIdle)
	return err
}

// Connections returns how many connections to brokers are open now, and how many were opened so
// far.
func (c *Cluster) Connections() (open int, opened uint64) {
	return int(c.connections.open.Load()), c.connections.opened.Load()
}

// options returns the options that all kgo clients of the cluster share, and more.
func (cfg Config) options(seeds []string, more ...kgo.Opt) []kgo.Opt {
	opts := []kgo.Opt{
		kgo.SeedBrokers(seeds...),
		kgo.ClientID(cfg.ClientID),
		kgo.DisableClientMetrics(), // Close would wait for their last push
		kgo.DisableIdempotentWrite(),
		// kgo requires that the first is not less than the second
		kgo.BrokerMaxReadBytes(maxAnswer), kgo.FetchMaxBytes(maxAnswer),
		// the supervisor asks for metadata; kgo would dial in addition
		kgo.MetadataMinAge(time.Hour), kgo.MetadataMaxAge(time.Hour),
		kgo.RetryBackoffFn(func(int) time.Duration { return 20 * time.Millisecond }),
	}
	return append(append(opts, more...), cfg.Options...)
}

// Name returns the name of the cluster.
func (c *Cluster) Name() string { return c.cfg.Name }

// Creates reports whether topics that do not exist are created.
func (c *Cluster) Creates() bool { return c.cfg.Create != nil }

// View returns what is known about the cluster. It never waits.
func (c *Cluster) View() *View { return c.view.Load() }

// Status returns the state of the cluster. It never waits for the network.
func (c *Cluster) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	status := c.status
	status.ID = c.origin.answered()
	return status
}

// Watch has fn called after every change of the view, until unwatch is called. Fn must return at
// once.
func (c *Cluster) Watch(fn func()) (unwatch func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := &watcher{fn}
	c.watchers = append(slices.Clone(c.watchers), w)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.watchers = slices.DeleteFunc(slices.Clone(c.watchers),
			func(other *watcher) bool { return other == w })
	}
}

// Start begins to supervise the cluster.
func (c *Cluster) Start() { go newSupervisor(c).run(c.ctx) }

// Want adds a topic to those whose metadata is kept.
func (c *Cluster) Want(topic string) {
	c.mu.Lock()
	c.wanted[topic]++
	first := c.wanted[topic] == 1
	c.mu.Unlock()
	if first {
		c.Refresh()
	}
}

// Forget takes a Want back. The metadata of a topic is kept as long as somebody wants it.
func (c *Cluster) Forget(topic string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.wanted[topic]--; c.wanted[topic] <= 0 {
		delete(c.wanted, topic)
	}
}

func (c *Cluster) topics() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.wanted)
}

// Refresh has the metadata of the brokers and of topics requested soon. Call it when the answer of
// a broker shows that the view is out of date.
func (c *Cluster) Refresh(topics ...string) {
	if len(topics) > 0 {
		c.mu.Lock()
		for _, topic := range topics {
			if !slices.Contains(c.old[max(0, len(c.old)-oldCompared):], topic) {
				c.old = append(c.old, topic)
			}
		}
		c.mu.Unlock()
	}
	select {
	case c.hurry <- struct{}{}:
	default:
	}
}

// Failed reports that the connection to a broker failed. The broker is not used until it answers a
// probe.
func (c *Cluster) Failed(node int32, err error) {
	c.mu.Lock()
	c.failed = append(c.failed, failure{node, err})
	c.mu.Unlock()
	c.Refresh()
}

func (c *Cluster) failures() []failure {
	c.mu.Lock()
	defer c.mu.Unlock()
	failed := c.failed
	c.failed = nil
	return failed
}

// oldCompared is how many of the latest outdated topics are searched for a duplicate. The batches
// of one answer belong to few topics.
const oldCompared = 16

func (c *Cluster) outdated() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.old
	c.old = nil
	return old
}

// publish makes v the view. It calls the watchers if news is set, and logs a change of the state or
// of the kind of its reason. Why is the error behind reason, nil if there is none.
func (c *Cluster) publish(v *View, reason string, why error, news bool) {
	c.mu.Lock()
	now := time.Now()
	before := c.status.State
	if before != v.State {
		c.status = Status{State: v.State, Since: now, Changes: c.status.Changes + 1,
			Reasons: c.status.Reasons}
	}
	c.status.Reason = reason
	unreached := v.State == Connecting && reason != "" && !c.missed &&
		now.Sub(c.status.Since) >= reachBy
	c.missed = c.missed || unreached
	another := false
	switch {
	case before != v.State || unreached:
		c.kinds.begin(kindOf(why), now)
	case v.State != Up && reason != "" && (v.State != Connecting || c.missed):
		another = c.kinds.note(kindOf(why), now)
	}
	if unreached || another {
		c.status.Reasons++
	}
	watchers := c.watchers
	c.mu.Unlock()
	c.view.Store(v)
	if before != v.State {
		c.logChange(before, v.State, reason)
	}
	if unreached {
		c.cfg.Logger.Warn("cluster not reached yet", zap.String("cluster", c.cfg.Name),
			zap.String("reason", reason))
	}
	if another {
		c.cfg.Logger.Warn("cluster still not up, for another reason",
			zap.String("cluster", c.cfg.Name), zap.Stringer("state", v.State),
			zap.String("reason", reason))
	}
	if !news && !another && !unreached {
		return
	}
	for _, w := range watchers {
		w.fn()
	}
}

func (c *Cluster) logChange(from, to State, reason string) {
	log := c.cfg.Logger.With(zap.String("cluster", c.cfg.Name), zap.Stringer("was", from))
	switch to {
	case Up:
		log.Info("cluster up")
	case Degraded:
		log.Warn("cluster degraded", zap.String("reason", reason))
	case Down:
		log.Warn("cluster down", zap.String("reason", reason))
	}
}

// Discard gives up a cluster that was not started.
func (c *Cluster) Discard() {
	c.control.close()
	c.release()
}

// release ends the connections that the links share when nobody is left to use them.
func (c *Cluster) release() {
	if c.users.Add(-1) == 0 {
		c.common.close()
		c.helper.close()
	}
}

// Close ends the supervision and all connections except those of links. It returns when both have
// ended, however often it is called.
func (c *Cluster) Close() {
	c.ended.Do(func() {
		c.stop()
		<-c.done
		c.control.close()
		c.release()
		c.publish(&View{State: Closed}, "closed", nil, true)
	})
}
