package producer

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/internal/clock"
	"github.com/forebay-go/forebay/internal/cluster"
	"github.com/forebay-go/forebay/internal/dns"
	"github.com/forebay-go/forebay/internal/wire"
	"github.com/forebay-go/forebay/routing"
)

// Producer sends records to Kafka. It is safe for concurrent use.
type Producer struct {
	options options
	dial    cluster.DialFunc
	names   *dns.Dialer // nil with an application's dialer that looks up names itself
	log     *zap.Logger // never waits
	logger  *logger     // behind it
	clock   *clock.Clock
	budget  *buffer.Budget
	pool    *buffer.Pool
	squeeze *squeezer
	evict   *evictor
	reports *reports // nil without a callback
	events  *events
	samples samples
	tells   teller

	setup atomic.Pointer[setup]
	from  atomic.Pointer[provenance] // of the settings; nil until somebody has told
	// but for ErrBufferFull of a topic that is there, which the topic counts
	refused [refusals]atomic.Uint64
	closing chan struct{} // one slot; holds a token while Close works
	closed  *Summary      // belongs to who holds that token

	// dispatchers and clusters that are not used any more, until they have ended
	leaving  sync.WaitGroup
	changing sync.Mutex // held while settings are changed; guards what follows
	ended    bool       // they are not any more: Close was called
}

// setup is what Reconfigure replaces as a whole. It is not changed once it is in force, but for the
// table of names.
type setup struct {
	cfg   Config // complete
	rules *routing.Table
	// the topics of records that name no priority, in the lanes that their rules say
	ruled    *buffer.Table
	lanes    [routing.High + 1]*lane // by priority; nil without a cluster
	clusters map[string]*site        // by name

	since   time.Time // when it came into force
	changes uint64    // of settings since New
	digest  string    // of cfg

	warnings []Warning
}

// site is a cluster and what the lanes that go there share.
type site struct {
	*cluster.Cluster
	gate  *wire.Gate
	ended atomic.Pointer[cluster.Status] // how it was when it was closed
}

// Close closes the cluster, and remembers how it was.
func (c *site) Close() {
	status := c.Status()
	c.ended.CompareAndSwap(nil, &status)
	c.Cluster.Close()
}

// away returns an error that says why the cluster does not answer, nil if it does, or did until it
// was closed.
func (c *site) away() error {
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

// New makes a producer. It does no I/O: whether a cluster can be reached, now or later, makes no
// difference to it. It fails only on settings that are wrong in themselves, all of them in one
// error.
//
// The producer works in the background from now on, until Close.
func New(cfg Config, opts ...Option) (*Producer, error) {
	o := options{logger: zap.NewNop(), wall: time.Now, idle: idleTopic}
	o.apply(opts)
	cfg, rules, err := o.complete(cfg)
	if err != nil {
		return nil, err
	}
	codec, err := buffer.NewCodec(cfg.Batching.Compression)
	if err != nil {
		return nil, err
	}
	p := &Producer{
		options: o,
		clock:   clock.New(o.wall),
		budget:  buffer.NewBudget(cfg.Buffer.MaxBytes),
		pool:    buffer.NewPool(cfg.Batching.MaxBytes, cfg.Buffer.MaxBytes/8),
		squeeze: newSqueezer(codec),
		closing: make(chan struct{}, 1),
	}
	p.log, p.logger = newLogger(o.logger)
	p.guardPartitioner()
	p.evict = newEvictor(p)
	if err := p.build(cfg, rules); err != nil {
		p.logger.close()
		return nil, err
	}
	p.start()
	return p, nil
}

// build makes the clusters and the lanes; nothing runs yet.
func (p *Producer) build(cfg Config, rules *routing.Table) error {
	o := &p.options
	p.dial = o.dial
	if o.dial == nil || o.lookup != nil {
		r := cfg.Resolver
		p.names = dns.New(dns.Config{Lookup: o.lookup, Dial: o.dial, RefreshEvery: r.RefreshEvery,
			StaleFor: r.StaleFor})
		p.dial = p.names.DialContext
	}
	s := &setup{cfg: cfg, rules: rules, ruled: new(buffer.Table), clusters: make(map[string]*site),
		since: time.Now(), digest: cfg.digest(),
		warnings: o.warnings(&cfg)}
	for name := range cfg.Clusters {
		c, err := p.newSite(&cfg, name)
		if err != nil {
			return err
		}
		s.clusters[name] = c
	}
	p.share(&cfg)
	for _, priority := range routing.All {
		if s.clusters[cfg.Priorities.of(priority).Cluster] == nil {
			continue
		}
		l, err := p.newLane(s, priority)
		if err != nil {
			return err
		}
		s.lanes[priority] = l
	}
	p.setup.Store(s)
	return nil
}

func (p *Producer) newSite(cfg *Config, name string) (*site, error) {
	cc := cfg.Clusters[name]
	dial, sasl := p.secured(name, &cc)
	c, err := cluster.New(cluster.Config{
		Name:     name,
		Seeds:    cc.Brokers,
		ID:       cc.ClusterID,
		Memory:   cc.ProducerIDExpiration,
		ClientID: cfg.ClientID,
		AcksAll:  cfg.Batching.Acks == "all",
		Dial:     dial,
		Create:   cc.CreateTopics.creation(),
		Logger:   p.log,
		Options:  append(sasl, kgo.WithHooks(p.options.hooks...)),
	})
	return &site{Cluster: c, gate: wire.NewGate(cfg.Priorities.wireShares())}, err
}

func (p *Producer) start() {
	if fn := p.options.delivery; fn != nil {
		p.reports = newReports(fn, p.setup.Load().cfg.Reports.MaxBytes, p.log)
	}
	p.events = newEvents(p.options.events, p.log)
	p.evict.start()
	s := p.setup.Load()
	p.warn(s.warnings, nil)
	for _, c := range s.clusters {
		p.watch(c)
		c.Start()
	}
	for l := range s.eachLane {
		l.start()
	}
}

// eachLane calls yield for each lane that there is.
func (s *setup) eachLane(yield func(*lane) bool) {
	for _, l := range s.lanes {
		if l != nil && !yield(l) {
			return
		}
	}
}
