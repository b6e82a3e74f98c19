package audit

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
)

// patienceToBegin is how long a reader waits for the statements of those before it. Without them it
// may read again what was read, which changes nothing.
const patienceToBegin = 20 * time.Second

// begin takes partitions that the group has assigned, and returns where to read them. kgo calls it.
func (r *Reader) begin(ctx context.Context, assigned map[string]map[int32]kgo.Offset) (
	map[string]map[int32]kgo.Offset, error) {
	ctx, cancel := context.WithTimeout(ctx, patienceToBegin)
	defer cancel()
	if err := r.ledger.CatchUp(ctx); err != nil {
		r.log.Warn("reading begins before all statements are known; some may be made again",
			zap.Error(err))
	}
	var topics []string
	for topic := range assigned {
		topics = append(topics, topic)
	}
	starts, err := r.admin.ListStartOffsets(ctx, topics...)
	if err != nil {
		return nil, err // kgo joins the group again
	}
	ends, err := r.admin.ListEndOffsets(ctx, topics...)
	if err != nil {
		return nil, err
	}
	for topic, partitions := range assigned {
		for partition := range partitions {
			start, _ := starts.Lookup(topic, partition)
			end, _ := ends.Lookup(topic, partition)
			offset := r.beginOne(partitionOf{topic, partition}, start, end)
			partitions[partition] = kgo.NewOffset().At(offset)
		}
	}
	return assigned, nil
}

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
