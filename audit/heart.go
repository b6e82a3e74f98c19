package audit

import (
	"context"
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
	client, err := newClient(opts, kgo.ConsumeTopics(cfg.Topic),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtEnd()), kgo.FetchMaxWait(cfg.Interval),
		kgo.MetadataMinAge(min(cfg.Interval, time.Second)))
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

func (h *Heart) numbers() []int32 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Keys(h.partitions))
}

// send sends one heartbeat to a partition.
func (h *Heart) send(partition int32) {
	now := time.Now()
	h.mu.Lock()
	b := h.partitions[partition]
	sequence := h.next
	h.next++
	b.sent++
	h.tallyLocked(b).sent++
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
		h.tallyLocked(b).acknowledge(now, now.Sub(sent))
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
	h.tallyLocked(b).fail(time.Now())
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
				took := time.Since(header.Intended)
				b.end.add(took)
				count(&h.tallyLocked(b).read, max(0, took))
			}
		})
	}
}
