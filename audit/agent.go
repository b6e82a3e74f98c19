package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/forebay-go/forebay/producer"
)

// Role says what an agent does.
type Role string

// The roles.
const (
	Produce Role = "produce" // sends audited records, and states what became of them
	Consume Role = "consume" // reads them, states what it has seen, and finds what is lost
	Both    Role = "both"
)

// AgentConfig is what one instance of the auditor does. Any number of instances may run, each in
// any role; those that have the same statement topic audit together.
type AgentConfig struct {
	// Role is produce, consume or both. Required.
	Role Role `yaml:"role"`

	// Instance is the name of this process: no other that runs at the same time has it. The default
	// is the name of the host.
	Instance string `yaml:"instance"`

	// Loads is the traffic to make. Required for the roles produce and both.
	Loads []Load `yaml:"loads"`

	// Topics are the topics to read. The default for the role both is the topics of Loads; for
	// consume they are required.
	Topics []string `yaml:"topics"`

	// Cluster is the name of the cluster with Topics, in the settings of this instance and of those
	// that produce. Records that went to another, such as a fallback, are not looked for.
	Cluster string `yaml:"cluster"`

	// Group is the consumer group that shares the partitions among instances that consume. The
	// default is "forebay-audit".
	Group string `yaml:"group"`

	// Start is where to begin in a partition that no statement covers: "earliest" or "latest". The
	// default is earliest.
	Start string `yaml:"start"`

	// StatementTopic is where statements go. The default is "forebay-audit".
	StatementTopic string `yaml:"statement_topic"`

	// Interval is the time between two versions of a statement. The default is 5 s. Values below
	// 100 ms and above a minute are rejected.
	Interval time.Duration `yaml:"interval"`

	// Heartbeat has the instance watch the brokers of the cluster with the topics to read. The
	// default, nil, does not.
	Heartbeat *HeartbeatConfig `yaml:"heartbeat"`

	// Duration is how long the instance makes traffic, or reads. The default, 0, is until it is
	// stopped.
	Duration time.Duration `yaml:"duration"`

	// Drain is how long it waits at the end until each record has an outcome and is read. The
	// default is 1m.
	Drain time.Duration `yaml:"drain"`
}

func (c *AgentConfig) produces() bool { return c.Role == Produce || c.Role == Both }
func (c *AgentConfig) consumes() bool { return c.Role == Consume || c.Role == Both }

// Check returns every mistake of c in one error.
func (c AgentConfig) Check() error {
	_, _, err := c.parts()
	return err
}

// parts returns the settings of the source and of the reader, with all defaults.
func (c *AgentConfig) parts() (source SourceConfig, reader ReaderConfig, err error) {
	shares, wrong := c.completeLoads()
	wrong = append(c.mistakesOfRole(), wrong...)
	source = SourceConfig{Instance: c.Instance, Topics: shares, StatementTopic: c.StatementTopic,
		Interval: c.Interval, Intended: true, Ordered: true}
	wrong = append(wrong, source.complete())
	reader = ReaderConfig{Topics: c.TopicsToRead(), Cluster: c.Cluster, Group: c.Group,
		Start: c.Start, StatementTopic: source.StatementTopic, Interval: source.Interval}
	wrong = append(wrong, reader.completeStart())
	if c.consumes() && !(c.readsLoads() && len(c.Loads) > 0) { // else it was said of the loads
		wrong = append(wrong, reader.checkTopics())
	}
	if c.Heartbeat != nil {
		heartbeat := *c.Heartbeat
		c.Heartbeat = &heartbeat
		if err := c.Heartbeat.complete(); err != nil {
			wrong = append(wrong, within("heartbeat.", err))
		}
	}
	wrong = append(wrong, c.mistakesOfTopics(source.StatementTopic)...)
	if c.Duration < 0 {
		wrong = append(wrong, fmt.Errorf("duration: %v: write a time, or 0 for no end", c.Duration))
	}
	if c.Drain == 0 {
		c.Drain = time.Minute
	}
	if c.Drain < 0 {
		wrong = append(wrong, fmt.Errorf("drain: %v: write a time", c.Drain))
	}
	return source, reader, errors.Join(wrong...)
}

// readsLoads reports whether the topics to read are those of Loads.
func (c *AgentConfig) readsLoads() bool { return c.Role == Both && len(c.Topics) == 0 }

// TopicsToRead returns the topics that the instance reads: none for the role produce.
func (c *AgentConfig) TopicsToRead() []string {
	if !c.readsLoads() {
		return c.Topics
	}
	topics := make([]string, len(c.Loads))
	for i, l := range c.Loads {
		topics[i] = l.Topic
	}
	return topics
}

// mistakesOfRole returns what is wrong with the role, and what does not go with it.
func (c *AgentConfig) mistakesOfRole() (wrong []error) {
	if !c.produces() && !c.consumes() {
		wrong = append(wrong, fmt.Errorf("role: %q: write produce, consume or both", c.Role))
	}
	switch {
	case c.produces() && len(c.Loads) == 0:
		wrong = append(wrong, fmt.Errorf("loads: empty: role %s needs the traffic to make", c.Role))
	case c.Role == Consume && len(c.Loads) > 0:
		wrong = append(wrong, errors.New("loads: role consume makes no traffic: take them out, or "+
			"write role both"))
	case c.Role == Produce && len(c.Topics) > 0:
		wrong = append(wrong, errors.New("topics: role produce reads none: take them out, or "+
			"write role both"))
	}
	return wrong
}

// mistakesOfTopics returns what is wrong with topics that are used for two things.
func (c *AgentConfig) mistakesOfTopics(statements string) (wrong []error) {
	if slices.Contains(c.Topics, statements) {
		wrong = append(wrong, fmt.Errorf("topics: %q is the statement topic: take it out",
			statements))
	}
	audited := slices.Clone(c.Topics)
	for i, l := range c.Loads {
		if l.Topic == statements {
			wrong = append(wrong, fmt.Errorf("loads[%d].topic: %q is the statement topic: write "+
				"another", i, statements))
		}
		audited = append(audited, l.Topic)
	}
	if c.Heartbeat == nil {
		return wrong
	}
	switch topic := c.Heartbeat.Topic; {
	case topic == statements:
		wrong = append(wrong, fmt.Errorf("heartbeat.topic: %q is the statement topic: write "+
			"another", topic))
	case slices.Contains(audited, topic):
		wrong = append(wrong, fmt.Errorf("heartbeat.topic: %q is audited: write another", topic))
	}
	return wrong
}

// completeLoads fills the defaults of the loads in, and returns their topics, but for those that
// are wrong, and all mistakes.
func (c *AgentConfig) completeLoads() (shares []TopicShare, wrong []error) {
	c.Loads = slices.Clone(c.Loads)
	for i := range c.Loads {
		l := &c.Loads[i]
		if err := l.complete(); err != nil {
			wrong = append(wrong, within(fmt.Sprintf("loads[%d].", i), err))
		}
		switch {
		case legal(l.Topic) != nil: // complete has said so
		case slices.ContainsFunc(c.Loads[:i], func(o Load) bool { return o.Topic == l.Topic }):
			wrong = append(wrong, fmt.Errorf("loads[%d].topic: %q has a load already: add the "+
				"rates", i, l.Topic))
		default:
			shares = append(shares, TopicShare{Topic: l.Topic})
		}
	}
	return shares, wrong
}

// within returns the mistakes in err, a line each, with prefix before the name of each setting.
func within(prefix string, err error) error {
	return errors.New(prefix + strings.ReplaceAll(err.Error(), "\n", "\n"+prefix))
}

// Agent is one instance of the auditor.
type Agent struct {
	cfg      AgentConfig
	producer *producer.Producer
	source   *Source
	ledger   *Follower
	reader   *Reader
	heart    *Heart
	lookout  *lookout
	loads    []*runningLoad
	began    time.Time
	ending   atomic.Bool // Run has ended the traffic
	log      *zap.Logger

	mu    sync.Mutex // guards what follows
	ended bool
	unmet []Need // when it ended
}

// Clusters are the options of kgo that say where clusters are, such as kgo.SeedBrokers, and how to
// log in.
type Clusters struct {
	Topics     []kgo.Opt // of the cluster with the topics to read
	Statements []kgo.Opt // of the cluster with the statement topic: that of low priority
}

// NewAgent begins to audit. Its statements, and its traffic, go through a producer of its own with
// the given settings. NewAgent fails only on settings that are wrong in themselves; Kafka may be
// away. Log lines go to log, unless that is nil. Run ends the agent.
func NewAgent(cfg AgentConfig, settings producer.Config, clusters Clusters, log *zap.Logger) (
	*Agent, error) {
	sourceConfig, readerConfig, err := cfg.parts()
	if err != nil {
		return nil, err
	}
	if log == nil {
		log = zap.NewNop()
	}
	cfg.Instance = sourceConfig.Instance
	a := &Agent{cfg: cfg, log: log, began: time.Now(), source: newSource(sourceConfig)}
	opts := []producer.Option{producer.WithLogger(log)}
	if cfg.produces() { // heartbeats of one that only consumes have no numbers
		opts = append(opts, producer.WithObserver(a.source))
	}
	a.producer, err = producer.New(settings, opts...)
	if err != nil {
		return nil, err
	}
	if cfg.produces() {
		a.source.Start(a.producer)
	}
	if cfg.consumes() {
		a.ledger, err = Follow(sourceConfig.StatementTopic, log, clusters.Statements...)
		if err == nil {
			a.reader, err = NewReader(readerConfig, a.ledger, a.producer, log, clusters.Topics,
				WithSource(a.source))
		}
	}
	if err == nil && cfg.Heartbeat != nil {
		a.heart, err = NewHeart(*cfg.Heartbeat, a.producer, log, clusters.Topics...)
	}
	var errands []*errand
	if err == nil {
		errands, err = a.errands(clusters, &sourceConfig, &readerConfig)
	}
	if err != nil {
		a.abandon()
		return nil, err
	}
	a.lookout = newLookout(log, errands...)
	for _, l := range cfg.Loads {
		a.loads = append(a.loads, &runningLoad{Load: l})
	}
	return a, nil
}

// abandon ends what NewAgent has begun.
func (a *Agent) abandon() {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if a.heart != nil {
		a.heart.Close()
	}
	if a.reader != nil {
		_ = a.reader.Close(ended)
	}
	if a.ledger != nil {
		a.ledger.Close()
	}
	_ = a.source.Close(ended)
	_, _ = a.producer.Close(ended)
}

// Run makes traffic, and reads, until Duration is over or ctx ends. Then it waits for up to Drain
// until each record has an outcome, all is stated, and all is read, and returns the report. A
// second context, hurry, ends that wait: it may be nil.
func (a *Agent) Run(ctx, hurry context.Context) *Report {
	work, stop := ctx, context.CancelFunc(func() {})
	if a.cfg.Duration > 0 {
		work, stop = context.WithTimeout(ctx, a.cfg.Duration)
	}
	defer stop()
	var group sync.WaitGroup
	for _, l := range a.loads {
		group.Go(func() { l.run(work, a.producer) })
	}
	<-work.Done()
	a.ending.Store(true)
	group.Wait()
	if a.heart != nil {
		a.heart.Close()
	}
	return a.end(hurry)
}

// end ends the agent, and returns the last report.
func (a *Agent) end(hurry context.Context) *Report {
	if hurry == nil {
		hurry = context.Background()
	}
	ctx, cancel := context.WithTimeout(hurry, a.cfg.Drain)
	defer cancel()
	var wrong []error
	wrong = append(wrong, a.producer.Flush(ctx), a.source.Close(ctx))
	var report *Report
	if a.reader != nil {
		settling, stop := context.WithTimeout(ctx, a.cfg.Drain/10*9) // Close needs the rest
		a.settle(settling)
		stop()
	}
	a.stopLooking()
	if a.reader != nil {
		wrong = append(wrong, a.reader.Close(ctx))
		a.ledger.Close()
		report = a.Report()
	}
	_, err := a.producer.Close(ctx)
	if err = errors.Join(append(wrong, err)...); err != nil {
		a.log.Warn("audit ends with records or statements that have no outcome", zap.Error(err))
	}
	return report
}

// stopLooking remembers which topics are missing at the end.
func (a *Agent) stopLooking() {
	a.mu.Lock()
	a.ended, a.unmet = true, a.unmetNow()
	a.mu.Unlock()
	a.lookout.close()
}

// settle waits until nothing of the report will be decided any more, and what this instance has
// sent is in it.
func (a *Agent) settle(ctx context.Context) {
	for ctx.Err() == nil {
		r := a.Report()
		if r.waits() == 0 && r.numbered(a.cfg.Instance, a.source.run) == a.source.Stats().Stamped {
			return
		}
		sleep(ctx, 50*time.Millisecond)
	}
}

// Report returns what is known now about the buckets since the agent began, and about those that
// sources have stated something of since then; nil if the agent does not consume.
func (a *Agent) Report() *Report {
	if a.ledger == nil {
		return nil
	}
	now := time.Now()
	return a.ledger.Ledger().reportSince(BucketOf(a.began), now).since(a.began, now)
}

// Source returns what the source of the agent has stated; nil if the agent does not produce.
func (a *Agent) Source() *SourceStats {
	if !a.cfg.produces() {
		return nil
	}
	stats := a.source.Stats()
	return &stats
}

// Loads returns what the loads have done.
func (a *Agent) Loads() (stats []LoadStats) {
	for _, l := range a.loads {
		stats = append(stats, l.stats())
	}
	return stats
}

// Brokers returns how the brokers are; nothing if the agent does not watch them.
func (a *Agent) Brokers() []BrokerReport {
	if a.heart == nil {
		return nil
	}
	return a.heart.Brokers()
}
