package audit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
)

// patienceToBegin is how long a reader waits for the statements of those before it, and then for
// the ends of its partitions. Without either it cannot know where to begin: kgo joins the group
// again.
const patienceToBegin = 20 * time.Second

// begin takes partitions that the group has assigned, and returns where to read them. kgo calls it.
func (r *Reader) begin(ctx context.Context, assigned map[string]map[int32]kgo.Offset) (
	map[string]map[int32]kgo.Offset, error) {
	if err := r.catchUp(ctx); err != nil {
		return nil, r.cannotBegin(err)
	}
	ctx, cancel := context.WithTimeout(ctx, patienceToBegin)
	defer cancel()
	var topics []string
	before := make(map[partitionOf]resumption) // known before the ends are, so not beyond them
	for topic, partitions := range assigned {
		topics = append(topics, topic)
		for partition := range partitions {
			of := partitionOf{topic, partition}
			before[of] = r.ledger.Ledger().resume(of)
		}
	}
	logs, err := r.admin.ListTopics(ctx, topics...)
	if err != nil {
		return nil, r.cannotBegin(err)
	}
	compact := r.compacted(ctx, topics)
	starts, err := r.admin.ListStartOffsets(ctx, topics...)
	if err != nil {
		return nil, r.cannotBegin(err)
	}
	ends, err := r.admin.ListEndOffsets(ctx, topics...)
	if err != nil {
		return nil, r.cannotBegin(err)
	}
	for topic, partitions := range assigned {
		for partition := range partitions {
			start, err := listed(starts, topic, partition)
			if err != nil {
				return nil, r.cannotBegin(err)
			}
			end, err := listed(ends, topic, partition)
			if err != nil {
				return nil, r.cannotBegin(err)
			}
			of := partitionOf{topic, partition}
			offset := r.beginOne(of, before[of], logID(logs[topic].ID), start.Offset, end.Offset)
			r.setCompact(of, compact[topic])
			partitions[partition] = kgo.NewOffset().At(offset)
		}
	}
	return assigned, nil
}

// compacted returns which topics have records deleted that later ones of their key replace. It is
// nothing to begin without: who may read a topic may often not read its settings.
func (r *Reader) compacted(ctx context.Context, topics []string) map[string]bool {
	found := make(map[string]bool)
	described, err := r.admin.DescribeTopicConfigs(ctx, topics...)
	if err != nil {
		r.log.Warn("whether topics are compacted cannot be told", zap.Error(err))
	}
	for _, topic := range described {
		for _, c := range topic.Configs {
			if c.Key == "cleanup.policy" && strings.Contains(c.MaybeValue(), "compact") {
				found[topic.Name] = true
			}
		}
	}
	return found
}

func (r *Reader) setCompact(of partitionOf, compact bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.partitions[of]; t != nil {
		t.compact = compact
	}
}

// catchUp waits for the statements of the readers before this one.
func (r *Reader) catchUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patienceToBegin)
	defer cancel()
	return r.ledger.CatchUp(ctx)
}

// cannotBegin logs why partitions are not read yet, now and then.
func (r *Reader) cannotBegin(err error) error {
	if time.Since(r.warned) >= warnEvery {
		r.warned = time.Now()
		r.log.Warn("reading cannot begin yet, and is tried again", zap.Error(err))
	}
	return err
}

// listed returns an offset of a partition. One without a leader has none that anybody can tell.
func listed(offsets kadm.ListedOffsets, topic string, partition int32) (kadm.ListedOffset, error) {
	o, ok := offsets.Lookup(topic, partition)
	if ok && o.Err == nil {
		return o, nil
	}
	if o.Err == nil {
		o.Err = errNotListed
	}
	return o, fmt.Errorf("topic %q, partition %d: %w", topic, partition, o.Err)
}

var errNotListed = errors.New("no broker tells where it begins and ends")

// beginOne begins a segment of a partition, and returns its first offset.
func (r *Reader) beginOne(of partitionOf, before resumption, log logID, start, end int64) int64 {
	generation, next := before.generation, before.next
	first := start // that is read
	switch another := before.log != log && before.log != (logID{}) && log != (logID{}); {
	case before.known && (another || next > end): // offsets begin anew
		generation, next = generation+1, 0
	case !before.known && r.cfg.Start == "latest":
		first = end
	}
	s := newSegment(r.name, of.topic, of.partition, generation, next)
	s.log, s.cluster = log, r.cfg.Cluster
	if next < first {
		s.skip(first)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.partitions[of] = &tracked{segment: s, order: newOrder(), high: -1}
	return s.upto
}

// end states what was read of partitions that go to another reader. kgo calls it.
func (r *Reader) end(_ context.Context, _ *kgo.Client, revoked map[string][]int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for topic, partitions := range revoked {
		for _, partition := range partitions {
			of := partitionOf{topic, partition}
			if t := r.partitions[of]; t != nil {
				r.sayLocked(t)
				delete(r.partitions, of)
			}
		}
	}
}

// madeAgain notes which topics Kafka does not know by their old ID. A topic that stays so was made
// again, and is read by its new ID then.
func (r *Reader) madeAgain(fetches kgo.Fetches, now time.Time) {
	unknown := make(map[string]bool)
	fetches.EachError(func(topic string, _ int32, err error) {
		if errors.Is(err, kerr.UnknownTopicID) {
			unknown[topic] = true
		}
	})
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if len(p.Records) > 0 {
			delete(r.unknown, p.Topic)
		}
	})
	for topic := range unknown {
		since, ok := r.unknown[topic]
		switch {
		case !ok:
			r.unknown[topic] = now
		case now.Sub(since) >= patienceWithID:
			delete(r.unknown, topic)
			r.readAnew(topic)
		}
	}
}

// patienceWithID is for how long brokers may not have heard of a topic that was just made.
const patienceWithID = 2 * time.Second

// readAnew has the client forget a topic, and find it again as it is now.
func (r *Reader) readAnew(topic string) {
	r.log.Warn("topic was made again, and is read from its beginning", zap.String("topic", topic))
	r.mu.Lock()
	for of, t := range r.partitions {
		if of.topic == topic {
			r.sayLocked(t)
			delete(r.partitions, of)
		}
	}
	r.mu.Unlock()
	r.client.PurgeTopicsFromConsuming(topic)
	r.client.AddConsumeTopics(topic)
}
