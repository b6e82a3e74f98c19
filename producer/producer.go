package producer

import (
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/internal/clock"
	"github.com/forebay-go/forebay/internal/cluster"
	"github.com/forebay-go/forebay/routing"
)

// Producer sends records to Kafka. It is safe for concurrent use.
type Producer struct {
	cfg    Config // complete
	log    *zap.Logger
	clock  *clock.Clock
	budget *buffer.Budget
	pool   *buffer.Pool
	rules  *routing.Table
	ruled  buffer.Table // the topics of records that name no priority, in the lanes that their rules say

	lanes    [routing.High + 1]*dispatcher // by priority; nil without a cluster
	clusters map[string]*cluster.Cluster
	squeeze  *squeezer
	reports  *reports // nil without a callback

	refused [refusals]atomic.Uint64 // but for ErrBufferFull of a topic that is there, which the topic counts
	closing chan struct{}           // one slot; holds a token while Close works
	closed  *Summary                // belongs to who holds that token
}

// New makes a producer. It does no I/O: whether a cluster can be reached, now or later, makes no difference to it. It
// fails only on settings that are wrong in themselves, all of them in one error.
//
// The producer works in the background from now on, until Close.
func New(cfg Config, opts ...Option) (*Producer, error) {
	o := options{logger: zap.NewNop()}
	for _, opt := range opts {
		opt.apply(&o)
	}
	cfg, rules, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	codec, err := buffer.NewCodec(cfg.Batching.Compression)
	if err != nil {
		return nil, err
	}
	p := &Producer{
		cfg:      cfg,
		log:      o.logger,
		clock:    clock.New(),
		budget:   buffer.NewBudget(cfg.Buffer.MaxBytes),
		pool:     buffer.NewPool(cfg.Batching.MaxBytes, cfg.Buffer.MaxBytes/8),
		rules:    rules,
		clusters: make(map[string]*cluster.Cluster),
		squeeze:  newSqueezer(codec),
		closing:  make(chan struct{}, 1),
	}
	if err := p.build(o); err != nil {
		return nil, err
	}
	p.start(o)
	return p, nil
}

// build makes the clusters and the lanes; nothing runs yet.
func (p *Producer) build(o options) error {
	for name, cc := range p.cfg.Clusters {
		c, err := cluster.New(cluster.Config{
			Name:     name,
			Seeds:    cc.Brokers,
			ClientID: p.cfg.ClientID,
			AcksAll:  p.cfg.Batching.Acks == "all",
			Dial:     o.dial,
			Logger:   p.log,
		})
		if err != nil {
			return err
		}
		p.clusters[name] = c
	}
	for _, priority := range routing.All {
		pc := *p.cfg.Priorities.of(priority)
		c := p.clusters[pc.Cluster]
		if c == nil {
			continue
		}
		lane := buffer.NewLane(buffer.Config{
			Linger:          p.cfg.Batching.Linger,
			DeliveryTimeout: pc.DeliveryTimeout,
			BatchBytes:      p.cfg.Batching.MaxBytes,
			MaxTopics:       p.cfg.Buffer.MaxTopics,
			Reports:         o.delivery != nil,
		}, p.budget, p.pool)
		d, err := newDispatcher(p, priority, pc, lane, c)
		if err != nil {
			return err
		}
		p.lanes[priority] = d
	}
	return nil
}

func (p *Producer) start(o options) {
	if o.delivery != nil {
		p.reports = newReports(o.delivery, p.cfg.Reports.MaxBytes, p.log)
	}
	for _, c := range p.clusters {
		c.Start()
	}
	for d := range p.dispatchers {
		d.start()
	}
}

// dispatchers calls yield for each lane that there is.
func (p *Producer) dispatchers(yield func(*dispatcher) bool) {
	for _, d := range p.lanes {
		if d != nil && !yield(d) {
			return
		}
	}
}
