package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/producer"
)

// HeartbeatTopic is where heartbeats go if the settings say nothing else.
const HeartbeatTopic = "forebay-heartbeat"

// HeartbeatConfig says how brokers are watched.
type HeartbeatConfig struct {
	// Topic is the topic of heartbeats. Each broker that is to be watched leads a partition of it,
	// as CreateHeartbeatTopic makes it. The default is HeartbeatTopic, "forebay-heartbeat".
	Topic string `yaml:"topic"`

	// Interval is the time between two heartbeats to a partition. The default is 1 s. Values below
	// 100 ms and above a minute are rejected.
	Interval time.Duration `yaml:"interval"`

	// Slow is how long an acknowledgement may take until its broker is called slow. The default is
	// 500 ms. A broker is called dead when nothing was acknowledged for three intervals and Slow.
	Slow time.Duration `yaml:"slow"`
}

func (c *HeartbeatConfig) complete() error {
	var wrong []error
	if c.Topic == "" {
		c.Topic = HeartbeatTopic
	}
	if err := legal(c.Topic); err != nil {
		wrong = append(wrong, fmt.Errorf("topic: %w", err))
	}
	if c.Interval == 0 {
		c.Interval = time.Second
	}
	if c.Interval < leastInterval || c.Interval > time.Minute {
		wrong = append(wrong, fmt.Errorf("interval: %v: write %v to %v", c.Interval, leastInterval,
			time.Minute))
	}
	if c.Slow == 0 {
		c.Slow = 500 * time.Millisecond
	}
	if c.Slow < time.Millisecond || c.Slow > time.Minute {
		wrong = append(wrong, fmt.Errorf("slow: %v: write 1ms to %v", c.Slow, time.Minute))
	}
	return errors.Join(wrong...)
}

// dead is after how long without an acknowledgement a broker is dead.
func (c *HeartbeatConfig) dead() time.Duration { return 3*c.Interval + c.Slow }

// Heart watches brokers: it sends a record to each partition of the heartbeat topic once in an
// interval, and reads it back. It moves no partition. Heartbeats that are not delivered within the
// time after which a broker is dead expire, so a broker that is away costs little memory.
type Heart struct {
	cfg    HeartbeatConfig
	run    uint64
	sender Sender
	client *kgo.Client
	admin  *kadm.Client
	log    *zap.Logger
	cancel context.CancelFunc
	group  sync.WaitGroup

	failure error // of the newest look; belongs to look

	mu         sync.Mutex // guards what follows; never held across I/O
	next       uint64     // sequence of the next heartbeat
	partitions map[int32]*beat
	brokers    map[int32]*watched
}

// beat is what is known of one partition.
type beat struct {
	leader   int32                // -1: none
	pending  map[uint64]time.Time // heartbeats without an outcome, by sequence
	acked    time.Time            // when the newest acknowledgement came
	begun    time.Time            // when its leader was given its first heartbeat
	ack, end latest               // of acknowledgements; until the record was read
	sent     uint64
	failed   uint64
	why      error // of the newest that failed
}

// watched is what is known of one broker.
type watched struct {
	host  string
	known time.Time // when it was last among the brokers of the cluster
	state BrokerState
	since time.Time
}

// BrokerState is how a broker is.
type BrokerState string

// The states.
const (
	Well      BrokerState = "well"
	Slow      BrokerState = "slow"      // acknowledgements take longer than HeartbeatConfig.Slow
	Dead      BrokerState = "dead"      // it acknowledges nothing
	Unwatched BrokerState = "unwatched" // it leads no partition of the heartbeat topic
	Starting  BrokerState = "starting"  // nothing is known yet
)

// latest keeps the newest durations.
type latest struct {
	ring  [60]time.Duration
	count int
}

func (l *latest) add(d time.Duration) {
	l.ring[l.count%len(l.ring)] = d
	l.count++
}

// of returns the newest, the median, and the largest.
func (l *latest) of() (t Times) {
	n := min(l.count, len(l.ring))
	if n == 0 {
		return t
	}
	sorted := slices.Sorted(slices.Values(l.ring[:n]))
	return Times{Last: l.ring[(l.count-1)%len(l.ring)], Median: sorted[n/2], Longest: sorted[n-1]}
}

// Times are those of the last 60 heartbeats to a partition.
type Times struct{ Last, Median, Longest time.Duration }

// NewHeart begins to watch. Heartbeats go through sender; opts are those of kgo that say where
// Kafka is. It fails only if cfg or opts are wrong in themselves. Log lines go to log, unless that
// is nil: one when the state of a broker changes. Close ends it.
func NewHeart(cfg HeartbeatConfig, sender Sender, log *zap.Logger, opts ...kgo.Opt) (*Heart,
	error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	if log == nil {
		log = zap.NewNop()
	}
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.ClientID("forebay-audit")}, append(opts,
		kgo.ConsumeTopics(cfg.Topic), kgo.ConsumeStartOffset(kgo.NewOffset().AtEnd()),
		kgo.FetchMaxWait(cfg.Interval), kgo.UnknownTopicRetries(-1),
		kgo.MetadataMinAge(min(cfg.Interval, time.Second)))...)...)
	if err != nil {
		return nil, fmt.Errorf("watch %q: %w", cfg.Topic, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	h := &Heart{cfg: cfg, run: rand.Uint64(), sender: sender, client: client,
		admin: kadm.NewClient(client), log: log, cancel: cancel, partitions: make(map[int32]*beat),
		brokers: make(map[int32]*watched)}
	h.group.Go(func() { h.look(ctx) })
	h.group.Go(func() { h.beat(ctx) })
	h.group.Go(func() { h.read(ctx) })
	return h, nil
}

// Close ends the watch. Heartbeats that have no outcome yet stay in their producer.
func (h *Heart) Close() {
	h.cancel()
	h.group.Wait()
	h.client.Close()
}

// look asks again and again for the brokers, and for the leaders of the partitions.
func (h *Heart) look(ctx context.Context) {
	for ctx.Err() == nil {
		ask, cancel := context.WithTimeout(ctx, h.cfg.dead())
		meta, err := h.admin.Metadata(ask, h.cfg.Topic)
		cancel()
		if err == nil {
			err = meta.Topics[h.cfg.Topic].Err
		}
		h.learn(&meta, err)
		sleep(ctx, h.cfg.Interval)
	}
}

// learn takes what a look has found, or why it failed.
func (h *Heart) learn(meta *kadm.Metadata, err error) {
	if err != nil && h.failure == nil {
		h.log.Warn("heartbeat topic cannot be looked up", zap.String("topic", h.cfg.Topic),
			zap.Error(err))
	}
	h.failure = err
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range meta.Brokers {
		w := h.brokers[b.NodeID]
		if w == nil {
			w = &watched{state: Starting, since: now}
			h.brokers[b.NodeID] = w
		}
		w.host, w.known = fmt.Sprintf("%s:%d", b.Host, b.Port), now
	}
	for _, p := range meta.Topics[h.cfg.Topic].Partitions {
		b := h.partitions[p.Partition]
		if b == nil {
			b = &beat{leader: -1, pending: make(map[uint64]time.Time)}
			h.partitions[p.Partition] = b
		}
		// a partition without a leader is that of the broker that led it last, or is to
		leader := p.Leader
		if leader < 0 && b.leader < 0 && len(p.Replicas) > 0 {
			leader = p.Replicas[0]
		}
		if leader >= 0 && leader != b.leader {
			b.leader, b.begun = leader, now
		}
	}
}

// beat sends heartbeats, and judges.
func (h *Heart) beat(ctx context.Context) {
	tick := time.NewTicker(h.cfg.Interval)
	defer tick.Stop()
	for {
		for _, n := range h.numbers() {
			h.send(n)
		}
		h.judge(time.Now())
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (h *Heart) numbers() (list []int32) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for n := range h.partitions {
		list = append(list, n)
	}
	return list
}

// send sends one heartbeat to a partition.
func (h *Heart) send(partition int32) {
	now := time.Now()
	h.mu.Lock()
	b := h.partitions[partition]
	sequence := h.next
	h.next++
	b.sent++
	b.pending[sequence] = now
	maps.DeleteFunc(b.pending, func(_ uint64, sent time.Time) bool {
		return now.Sub(sent) > h.cfg.dead()+time.Minute // its report was dropped
	})
	h.mu.Unlock()
	header := Header{Instance: InstanceID(h.run), Run: h.run, Sequence: sequence,
		Bucket: BucketOf(now), Intended: now}
	err := h.sender.SendFunc(producer.Record{Topic: h.cfg.Topic,
		Partition: producer.ToPartition(partition), TTL: h.cfg.dead(),
		Headers: []producer.Header{{Key: HeaderKey, Value: header.AppendTo(nil)}}},
		func(r producer.Report) { h.answered(b, sequence, &r) })
	if err != nil {
		h.settle(b, sequence, err)
	}
}

// answered notes the outcome of a heartbeat.
func (h *Heart) answered(b *beat, sequence uint64, r *producer.Report) {
	if r.Outcome != delivery.Delivered {
		h.settle(b, sequence, r.Failure())
		return
	}
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if sent, ok := b.pending[sequence]; ok {
		b.ack.add(now.Sub(sent))
		b.acked = now
		delete(b.pending, sequence)
	}
}

// settle notes that a heartbeat was not delivered.
func (h *Heart) settle(b *beat, sequence uint64, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(b.pending, sequence)
	b.failed++
	b.why = err
}

// read reads the heartbeats back.
func (h *Heart) read(ctx context.Context) {
	for ctx.Err() == nil {
		h.client.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			value, _ := headerOf(r)
			header, err := ParseHeader(value)
			if err != nil || header.Run != h.run {
				return
			}
			h.mu.Lock()
			defer h.mu.Unlock()
			if b := h.partitions[r.Partition]; b != nil {
				b.end.add(time.Since(header.Intended))
			}
		})
	}
}

// judge gives each broker its state, and logs what changes.
func (h *Heart) judge(now time.Time) {
	for _, c := range h.changes(now) {
		if c.State == Well {
			h.log.Info("broker answers heartbeats in time", zap.Int32("broker", c.Broker),
				zap.String("host", c.Host))
			continue
		}
		h.log.Warn("broker does not answer heartbeats in time", zap.Int32("broker", c.Broker),
			zap.String("host", c.Host), zap.String("state", string(c.State)))
	}
}

// changes gives each broker its state, and returns those that are to be logged.
func (h *Heart) changes(now time.Time) (changed []BrokerReport) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, w := range h.brokers {
		before, state := w.state, h.stateLocked(id, now)
		if state == before {
			continue
		}
		w.state, w.since = state, now
		if state != Starting && !(before == Starting && state == Well) {
			changed = append(changed, BrokerReport{Broker: id, Host: w.host, State: state})
		}
	}
	return changed
}

// stateLocked returns how a broker is: as its worst partition.
func (h *Heart) stateLocked(id int32, now time.Time) BrokerState {
	state := Unwatched
	for _, b := range h.partitions {
		if b.leader == id {
			state = worse(state, b.state(&h.cfg, now))
		}
	}
	switch {
	case state != Unwatched:
		return state
	case now.Sub(h.brokers[id].known) > h.cfg.dead():
		return Dead // its partitions have another leader, and the cluster does not know it
	case len(h.partitions) == 0:
		return Starting
	}
	return Unwatched
}

// worse returns the worse of two states.
func worse(a, b BrokerState) BrokerState {
	order := []BrokerState{Unwatched, Starting, Well, Slow, Dead}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}

func (b *beat) state(cfg *HeartbeatConfig, now time.Time) BrokerState {
	since := b.begun // since when nothing was acknowledged
	if b.acked.After(since) {
		since = b.acked
	}
	waits := time.Duration(0)
	for _, sent := range b.pending {
		waits = max(waits, now.Sub(sent))
	}
	switch {
	case b.sent == 0:
		return Starting
	case now.Sub(since) > cfg.dead():
		return Dead
	case waits > cfg.Slow || b.ack.count > 0 && b.ack.of().Last > cfg.Slow:
		return Slow
	case b.ack.count == 0:
		return Starting
	}
	return Well
}

// BrokerReport is how a broker is.
type BrokerReport struct {
	Broker     int32
	Host       string
	State      BrokerState
	Since      time.Time         // when it came into that state
	Partitions []HeartbeatReport // that it leads, of the heartbeat topic
}

// HeartbeatReport is how the heartbeats to a partition are.
type HeartbeatReport struct {
	Partition    int32
	Sent, Failed uint64
	Acknowledged Times  // from the heartbeat to its acknowledgement
	Read         Times  // from the heartbeat until it was read
	LastFailure  string `json:",omitempty"`
}

// Brokers returns how the brokers are, by their number.
func (h *Heart) Brokers() (reports []BrokerReport) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, w := range h.brokers {
		r := BrokerReport{Broker: id, Host: w.host, State: w.state, Since: w.since}
		for n, b := range h.partitions {
			if b.leader != id {
				continue
			}
			p := HeartbeatReport{Partition: n, Sent: b.sent, Failed: b.failed,
				Acknowledged: b.ack.of(), Read: b.end.of()}
			if b.why != nil {
				p.LastFailure = b.why.Error()
			}
			r.Partitions = append(r.Partitions, p)
		}
		slices.SortFunc(r.Partitions, func(a, b HeartbeatReport) int {
			return cmp.Compare(a.Partition, b.Partition)
		})
		reports = append(reports, r)
	}
	slices.SortFunc(reports, func(a, b BrokerReport) int { return cmp.Compare(a.Broker, b.Broker) })
	return reports
}
