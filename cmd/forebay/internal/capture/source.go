package capture

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Memory for records that are read and not returned yet: heldBytes in all, before decompression,
// but at least leastFetch for each partition and at most mostFetch.
const (
	heldBytes  = 64 << 20
	leastFetch = 64 << 10
	mostFetch  = 1 << 20
)

// Source reads a range of topics, and merges their partitions by timestamp. The order of a
// partition stays as it is.
type Source struct {
	parts   []*part // all that have records in the range
	heads   queue   // those of them that have read records
	drained []*part // those that have to be read on before the next record is chosen
}

// ErrNoTopic reports a topic that the cluster does not have.
var ErrNoTopic = errors.New("does not exist")

// NewSource asks where the range begins and ends in each partition: at the first record of that
// time or later. Records that arrive after that are not in the range. client must not consume. The
// error wraps ErrNoTopic if a topic does not exist; it names each of them.
func NewSource(ctx context.Context, client *kgo.Client, topics []string, from, to Moment) (*Source,
	error) {
	admin := kadm.NewClient(client)
	starts, err := list(ctx, admin, from, topics)
	if err != nil {
		return nil, err
	}
	ends, err := list(ctx, admin, to, topics)
	if err != nil {
		return nil, err
	}
	s := &Source{}
	starts.Each(func(start kadm.ListedOffset) {
		end, _ := ends.Lookup(start.Topic, start.Partition)
		if start.Offset < end.Offset {
			s.parts = append(s.parts, &part{client: client, topic: start.Topic,
				partition: start.Partition, next: start.Offset, end: end.Offset, leader: -1})
		}
	})
	s.drained = slices.Clone(s.parts)
	for _, p := range s.parts {
		p.bytes = int32(max(leastFetch, min(mostFetch, heldBytes/len(s.parts))))
	}
	return s, nil
}

// list returns the offset of a moment in each partition.
func list(ctx context.Context, admin *kadm.Client, at Moment, topics []string) (
	offsets kadm.ListedOffsets, err error) {
	switch at {
	case Earliest:
		offsets, err = admin.ListStartOffsets(ctx, topics...)
	case Latest:
		offsets, err = admin.ListEndOffsets(ctx, topics...)
	default:
		offsets, err = admin.ListOffsetsAfterMilli(ctx, int64(at), topics...)
	}
	if err != nil {
		return nil, fmt.Errorf("ask for the offsets of %q: %w", topics, err)
	}
	var wrong []error
	offsets.Each(func(o kadm.ListedOffset) {
		switch {
		case errors.Is(o.Err, kerr.UnknownTopicOrPartition):
			wrong = append(wrong, fmt.Errorf("topic %q %w: write one that does", o.Topic,
				ErrNoTopic))
		case o.Err != nil:
			wrong = append(wrong, fmt.Errorf("topic %q, partition %d: %w", o.Topic, o.Partition,
				o.Err))
		}
	})
	return offsets, errors.Join(wrong...)
}

// Partitions returns how many partitions have records in the range.
func (s *Source) Partitions() int { return len(s.parts) }

// Deleted returns how many offsets of the range Kafka deleted before they were read.
func (s *Source) Deleted() (n int64) {
	for _, p := range s.parts {
		n += p.deleted
	}
	return n
}

// Next returns the next record of the range, or io.EOF. It waits while Kafka is away, up to a
// minute. After an error the source is of no more use.
func (s *Source) Next(ctx context.Context) (*kgo.Record, error) {
	for _, p := range s.drained {
		if err := p.fill(ctx); err != nil {
			return nil, err
		}
		if len(p.records) > 0 {
			heap.Push(&s.heads, p)
		}
	}
	s.drained = s.drained[:0]
	if len(s.heads) == 0 {
		return nil, io.EOF
	}
	p := s.heads[0]
	rec := p.records[0]
	p.records[0] = nil // the batch may be long
	p.records = p.records[1:]
	if len(p.records) > 0 {
		heap.Fix(&s.heads, 0)
	} else {
		heap.Pop(&s.heads)
		s.drained = append(s.drained, p)
	}
	return rec, nil
}

// queue is a heap of partitions with records, by the timestamp of the first one.
type queue []*part

func (q queue) Len() int      { return len(q) }
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Less has ties go by name, so that a capture of the same range is the same.
func (q queue) Less(i, j int) bool {
	a, b := q[i], q[j]
	return cmp.Or(a.records[0].Timestamp.Compare(b.records[0].Timestamp),
		cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition)) < 0
}

// Push adds a partition. It is for package heap.
func (q *queue) Push(x any) { *q = append(*q, x.(*part)) }

// Pop removes the last partition. It is for package heap.
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}
