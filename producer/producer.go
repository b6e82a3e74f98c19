package producer

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/internal/clock"
	"github.com/forebay-go/forebay/internal/cluster"
	"github.com/forebay-go/forebay/internal/dispatch"
	"github.com/forebay-go/forebay/routing"
)

// Sender sends records. A *Producer does, and in tests a *producertest.Recorder. Code that needs
// more, such as SendFunc or Flush, declares an interface of its own with the methods that it calls:
// both types have them.
type Sender interface {
	// Send is as described at Producer.Send.
	Send(Record) error
}

// Producer sends records to Kafka. It is safe for concurrent use.
type Producer struct {
	options options
	network network
	log     *zap.Logger // never waits
	logger  *logger     // behind it
	clock   *clock.Clock
	budget  *buffer.Budget
	pool    *buffer.Pool
	engine  *dispatch.Engine
	evict   *evictor
	reports *reports
	events  *events
	samples samples

	setup atomic.Pointer[setup]
	from  atomic.Pointer[provenance] // of the settings; nil until somebody has told
	// but for ErrBufferFull of a topic that is there, which the topic counts
	refused           [refusals]atomic.Uint64
	interceptorPanics atomic.Uint64
	closing           chan struct{} // one slot; holds a token while Close works
	closed            *Summary      // belongs to who holds that token

	// dispatchers and clusters that are not used any more, until they have ended
	leaving  sync.WaitGroup
	changing sync.Mutex                    // held while settings are changed; guards what follows
	ended    bool                          // they are not any more: Close was called
	codecs   map[compression]*buffer.Codec // all that were ever used
}

// setup is what Reconfigure replaces as a whole. It is not changed once it is in force, but for the
// table of names.
type setup struct {
	cfg   Config // complete
	rules *routing.Table
	// the topics of records that name no priority, in the lanes that their rules say
	ruled    *buffer.Index
	lanes    [routing.High + 1]*dispatch.Lane // by priority; nil without a cluster
	clusters map[string]*dispatch.Site        // by name

	since   time.Time // when it came into force
	changes uint64    // of settings since New
	digest  string    // of cfg

	engine [routing.High + 1]*dispatch.Settings // of the lanes, by priority
	codecs map[compression]*buffer.Codec        // those that cfg asks for

	warnings []Warning
}

// New returns a producer that works in the background until Close. New does no I/O: it makes no
// difference whether a cluster can be reached. It fails only if settings are wrong in themselves,
// and its error lists every mistake, each with its setting and what to write instead.
func New(cfg Config, opts ...Option) (*Producer, error) {
	o := options{logger: zap.NewNop(), wall: time.Now, idle: idleTopic}
	o.apply(opts)
	cfg, rules, err := o.complete(cfg)
	if err != nil {
		return nil, err
	}
	p := &Producer{
		options: o,
		clock:   clock.New(o.wall),
		budget:  buffer.NewBudget(cfg.Buffer.MaxBytes),
		pool:    buffer.NewPool(cfg.Batching.MaxBytes, cfg.Buffer.MaxBytes/8),
		closing: make(chan struct{}, 1),
		codecs:  make(map[compression]*buffer.Codec),
	}
	p.log, p.logger = newLogger(o.logger)
	p.guardPartitioner()
	p.engine = dispatch.New(dispatch.Config{Host: host{p}, Clock: p.clock, Log: p.log,
		Budget: p.budget, Pool: p.pool, Idle: o.idle, Reports: o.reports()})
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
	p.network = p.options.network(cfg.Resolver, p.log)
	s, err := p.newSetup(cfg, rules)
	if err != nil {
		return err
	}
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
		s.lanes[priority] = p.newLane(s, priority)
	}
	p.setup.Store(s)
	return nil
}

func (p *Producer) newSite(cfg *Config, name string) (*dispatch.Site, error) {
	cc := cfg.Clusters[name]
	dial, sasl := p.network.secured(&p.options, name, &cc)
	c, err := cluster.New(cluster.Config{
		Name:     name,
		Seeds:    cc.Brokers,
		ID:       cc.ClusterID,
		Memory:   cc.ProducerIDExpiration,
		ProbeMax: cc.ProbeMax,
		ClientID: cfg.ClientID,
		Dial:     dial,
		Create:   cc.CreateTopics.creation(),
		Logger:   p.log,
		Options:  append(sasl, kgo.WithHooks(p.options.hooks...)),
	})
	if err != nil {
		return nil, err
	}
	return dispatch.NewSite(c, cc.MaxBrokers, cfg.Priorities.wireShares()), nil
}

func (p *Producer) start() {
	p.reports = newReports(&p.options, p.setup.Load().cfg.Reports.MaxBytes, p.log)
	p.events = newEvents(p.options.events, p.log)
	p.evict.start()
	s := p.setup.Load()
	p.warn(s.warnings, nil)
	for _, c := range s.clusters {
		p.watch(c)
		c.Start()
	}
	for l := range s.eachLane {
		l.Start()
	}
}

// eachLane calls yield for each lane that there is.
func (s *setup) eachLane(yield func(*dispatch.Lane) bool) {
	for _, l := range s.lanes {
		if l != nil && !yield(l) {
			return
		}
	}
}
