package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
)

// patienceToBegin is how long a reader waits for the statements of those before it, and then for the
// ends of its partitions. Without either it cannot know where to begin: kgo joins the group again.
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
	for topic := range assigned {
		topics = append(topics, topic)
	}
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
			offset := r.beginOne(partitionOf{topic, partition}, start, end)
			partitions[partition] = kgo.NewOffset().At(offset)
		}
	}
	return assigned, nil
}

// catchUp waits for the statements of the readers before this one.
func (r *Reader) catchUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patienceToBegin)
	defer cancel()
	return r.ledger.CatchUp(ctx)
}

// cannotBegin logs why partitions are not read yet.
func (r *Reader) cannotBegin(err error) error {
	r.log.Warn("reading cannot begin yet, and is tried again", zap.Error(err))
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
func (r *Reader) beginOne(of partitionOf, start, end kadm.ListedOffset) int64 {
	generation, next, known := r.ledger.Ledger().resume(of)
	first := start.Offset // that is read
	switch {
	case known && next > end.Offset: // offsets begin anew
		generation, next = generation+1, 0
	case !known && r.cfg.Start == "latest":
		first = end.Offset
	}
	s := newSegment(r.name, of.topic, of.partition, generation, next)
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
