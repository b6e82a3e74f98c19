package audit

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
)

// ReaderConfig says what a reader reads.
type ReaderConfig struct {
	// Topics are the topics to read. Required.
	Topics []string `yaml:"topics"`

	// Cluster is the name that sources have for the cluster with Topics, in the settings of their
	// producers. Records that went to another, such as a fallback, are then not looked for. Empty
	// means that there is no other.
	Cluster string `yaml:"cluster"`

	// Group is the consumer group that shares the partitions among readers. All readers of a group
	// read the same topics. The default is "forebay-audit". No offsets are committed for it:
	// readers take up where statements end.
	Group string `yaml:"group"`

	// Start is where to begin in a partition that no statement covers: "earliest" or "latest". The
	// default is earliest.
	Start string `yaml:"start"`

	// StatementTopic is where statements go. The default is StatementTopic, "forebay-audit".
	StatementTopic string `yaml:"statement_topic"`

	// Interval is the time between two versions of a statement. The default is 5 s. NewReader
	// rejects less than 100 ms and more than a minute.
	Interval time.Duration `yaml:"interval"`
}

// complete fills the defaults in, and returns all mistakes.
func (c *ReaderConfig) complete() error {
	return errors.Join(c.checkTopics(), c.completeStart(),
		completeStatements(&c.StatementTopic, &c.Interval))
}

func (c *ReaderConfig) checkTopics() error {
	var wrong []error
	if len(c.Topics) == 0 {
		wrong = append(wrong, errors.New("topics: empty: write the topics to read"))
	}
	for i, topic := range c.Topics {
		if err := legal(topic); err != nil {
			wrong = append(wrong, fmt.Errorf("topics[%d]: %w", i, err))
		}
	}
	return errors.Join(wrong...)
}

// completeStart fills in the defaults of who reads and where, and returns what is wrong with it.
func (c *ReaderConfig) completeStart() error {
	if c.Group == "" {
		c.Group = "forebay-audit"
	}
	switch c.Start {
	case "":
		c.Start = "earliest"
	case "earliest", "latest":
	default:
		return fmt.Errorf("start: %q: write earliest or latest", c.Start)
	}
	return nil
}

// Reader reads topics, and states which audited records it has seen. It shares the partitions with
// the other readers of its group, and takes up where the statements of those before it end. It goes
// by the statements alone: after a crash, or when two readers read the same, nothing is counted
// twice.
type Reader struct {
	cfg    ReaderConfig
	name   string
	client *kgo.Client
	admin  *kadm.Client
	ledger *Follower
	log    *zap.Logger
	cancel context.CancelFunc
	done   chan struct{} // closed when all goroutines have ended
	say    outbox

	failure string               // what was logged last; belongs to run
	warned  time.Time            // when cannotBegin logged last; belongs to the callbacks of kgo
	unknown map[string]time.Time // belongs to run: topics whose ID Kafka does not know, since when

	mu         sync.Mutex // guards what follows; never held across I/O
	partitions map[partitionOf]*tracked
	counts     map[string]int32    // partitions of each topic
	latencies  map[string]*latency // by topic

	own     uint64 // run of the source in this process: see WithSource
	records atomic.Uint64
	audited atomic.Uint64
	seen    func(*kgo.Record, *Header)
}

// tracked is a partition that the reader was assigned.
type tracked struct {
	segment *segment
	order   *order
	compact bool  // what is missing may have been replaced by a later record of its key
	high    int64 // its end, when it was asked for last; -1: not known
}

// ReaderOption is something that only code can give to NewReader.
type ReaderOption func(*Reader)

// OnRecord has fn called for each audited record, by the goroutine that reads: what it takes, the
// reader takes longer. fn must not keep the record.
func OnRecord(fn func(*kgo.Record, *Header)) ReaderOption {
	return func(r *Reader) { r.seen = fn }
}

// NewReader begins to read. The statements go through sender. The follower tells where to begin.
// opts are those of kgo that say where Kafka is, such as kgo.SeedBrokers, and how to log in.
// NewReader fails only if cfg or opts are wrong in themselves; the error lists every mistake of
// cfg. Log lines go to log, unless that is nil. Close ends it.
func NewReader(cfg ReaderConfig, ledger *Follower, sender Sender, log *zap.Logger,
	opts []kgo.Opt, more ...ReaderOption) (*Reader, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	if log == nil {
		log = zap.NewNop()
	}
	r := &Reader{cfg: cfg, name: fmt.Sprintf("%s-%016x", cfg.Group, rand.Uint64()), ledger: ledger,
		log: log, done: make(chan struct{}), partitions: make(map[partitionOf]*tracked),
		counts: make(map[string]int32), unknown: make(map[string]time.Time),
		latencies: make(map[string]*latency)}
	r.say = outbox{sender: sender, topic: cfg.StatementTopic}
	for _, o := range more {
		o(r)
	}
	start := kgo.NewOffset().AtStart()
	client, err := newClient(opts,
		kgo.ConsumerGroup(cfg.Group), kgo.ConsumeTopics(cfg.Topics...), kgo.DisableAutoCommit(),
		kgo.Balancers(kgo.CooperativeStickyBalancer()), kgo.AdjustFetchOffsetsFn(r.begin),
		kgo.OnPartitionsRevoked(r.end), kgo.OnPartitionsLost(r.end), kgo.BlockRebalanceOnPoll(),
		kgo.ConsumeStartOffset(start), kgo.ConsumeResetOffset(start), kgo.KeepControlRecords(),
		kgo.KeepRetryableFetchErrors(), kgo.FetchMaxWait(500*time.Millisecond))
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", cfg.Topics, err)
	}
	r.client, r.admin = client, kadm.NewClient(client)
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go r.run(ctx)
	return r, nil
}

// Name returns the name of the reader, which is another at each start.
func (r *Reader) Name() string { return r.name }

// Close leaves the group, and delivers the last statements. It waits for that until ctx ends. What
// is not stated then is read again by the next reader.
func (r *Reader) Close(ctx context.Context) error {
	r.cancel()
	<-r.done
	r.client.CloseAllowingRebalance() // has end called
	r.sayPulse(true)
	if err := r.say.wait(ctx); err != nil {
		return fmt.Errorf("close the reader %q: %w", r.name, err)
	}
	return nil
}

// Records returns how many records were read, and how many of them had a header.
func (r *Reader) Records() (all, audited uint64) { return r.records.Load(), r.audited.Load() }

func (r *Reader) run(ctx context.Context) {
	var group sync.WaitGroup
	group.Go(func() { r.keepStating(ctx) })
	for ctx.Err() == nil {
		if r.say.full() { // a statement topic that is away stops the reading, and loses nothing
			sleep(ctx, 50*time.Millisecond)
			continue
		}
		poll, cancel := context.WithTimeout(ctx, time.Second)
		fetches := r.client.PollRecords(poll, 10_000)
		cancel()
		r.note(fetches)
		fetches.EachPartition(r.take)
		r.client.AllowRebalance()
		r.madeAgain(fetches, time.Now())
	}
	group.Wait()
	close(r.done)
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// eachFailure calls yield for each error of a poll but the end of its time.
func eachFailure(fetches kgo.Fetches, yield func(topic string, partition int32, err error)) {
	fetches.EachError(func(topic string, partition int32, err error) {
		if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
			yield(topic, partition, err)
		}
	})
}

// note logs why something cannot be read, when that changes.
func (r *Reader) note(fetches kgo.Fetches) {
	var failed kgo.FetchError
	eachFailure(fetches, func(topic string, partition int32, err error) {
		failed = kgo.FetchError{Topic: topic, Partition: partition, Err: err}
	})
	failure := ""
	if failed.Err != nil {
		failure = failed.Topic + ": " + failed.Err.Error()
	}
	if failure != "" && failure != r.failure {
		r.log.Warn("audited topic cannot be read", zap.String("topic", failed.Topic),
			zap.Int32("partition", failed.Partition), zap.Error(failed.Err))
	}
	r.failure = failure
}

// take notes what was fetched of a partition.
func (r *Reader) take(fetched kgo.FetchTopicPartition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.partitions[partitionOf{fetched.Topic, fetched.Partition}]
	if t == nil || len(fetched.Records) == 0 {
		return
	}
	first := fetched.Records[0].Offset
	switch {
	case first < t.segment.upto: // offsets begin anew: the log was cut, or the topic made again
		r.roll(t, t.segment.generation+1, first)
		t.order = newOrder()
	case fetched.LogStartOffset > t.segment.upto: // retention was faster
		t.segment.skip(min(first, fetched.LogStartOffset))
	}
	now, took := time.Now(), r.latencyLocked(fetched.Topic) // of all: a clock takes longer than see
	for _, rec := range fetched.Records {
		r.see(t, rec, took, now)
	}
	r.records.Add(uint64(len(fetched.Records)))
}

// see notes a record that came now.
func (r *Reader) see(t *tracked, rec *kgo.Record, took *latency, now time.Time) {
	if t.segment.full() {
		r.roll(t, t.segment.generation, t.segment.upto)
	}
	if t.compact && rec.Offset > t.segment.upto {
		t.segment.skip(rec.Offset)
	}
	value, found := headerOf(rec)
	switch h, err := ParseHeader(value); {
	case !found:
		t.segment.bare++
	case err != nil:
		t.segment.garbled++
	default:
		r.audited.Add(1)
		took.add(&h, now, r.own)
		t.segment.see(&h, rec.Offset)
		if h.Ordered && t.order.broken(&h, rec.Key, len(r.partitions)) {
			t.segment.swap(&h, rec.Offset)
		}
		if r.seen != nil {
			r.seen(rec, &h)
		}
	}
	t.segment.pass(rec.Offset + 1)
}

// headerOf returns the value of the audit header: the last one, for a service that passes headers
// on has that of the record that it got before its own. Control records have none.
func headerOf(rec *kgo.Record) (value []byte, found bool) {
	for i := len(rec.Headers) - 1; i >= 0; i-- {
		if rec.Headers[i].Key == HeaderKey {
			return rec.Headers[i].Value, true
		}
	}
	return nil, false
}

// roll states what was read, and begins a new segment.
func (r *Reader) roll(t *tracked, generation uint32, from int64) {
	r.sayLocked(t)
	log, cluster := t.segment.log, t.segment.cluster
	t.segment = newSegment(r.name, t.segment.topic, t.segment.partition, generation, from)
	t.segment.log, t.segment.cluster = log, cluster
}

// sayLocked states what was read of a partition since the last time.
func (r *Reader) sayLocked(t *tracked) {
	if t.segment.changed {
		t.segment.changed = false
		r.say.put(string(t.segment.key()), t.segment.encode())
	}
}

// keepStating states what was read, and how far.
func (r *Reader) keepStating(ctx context.Context) {
	tick := time.NewTicker(r.cfg.Interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		r.lookForEnds(ctx)
		r.mu.Lock()
		for _, t := range r.partitions {
			r.sayLocked(t)
		}
		r.mu.Unlock()
		r.sayPulse(false)
		r.say.again()
	}
}

// lookForEnds asks for the ends of the topics, and for how many partitions they have: also of those
// that have no leader.
func (r *Reader) lookForEnds(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, max(r.cfg.Interval, time.Second))
	defer cancel()
	topics, err := r.admin.ListTopics(ctx, r.cfg.Topics...)
	if err != nil {
		topics = nil
	}
	ends, err := r.admin.ListEndOffsets(ctx, r.cfg.Topics...)
	r.mu.Lock()
	defer r.mu.Unlock()
	for of, t := range r.partitions {
		t.high = -1
		if end, ok := ends.Lookup(of.topic, of.partition); err == nil && ok && end.Err == nil {
			t.high = end.Offset
		}
	}
	for topic, detail := range topics {
		if detail.Err == nil {
			r.counts[topic] = int32(len(detail.Partitions))
		}
	}
}

// sayPulse states that the reader lives, and how far it is.
func (r *Reader) sayPulse(ended bool) {
	p := pulse{reader: r.name, interval: r.cfg.Interval, ended: ended}
	r.mu.Lock()
	for of, t := range r.partitions {
		p.positions = append(p.positions, position{topic: of.topic, partition: of.partition,
			partitions: r.counts[of.topic], next: t.segment.upto, high: t.high})
	}
	r.mu.Unlock()
	r.say.put(string(p.key()), p.encode())
}
