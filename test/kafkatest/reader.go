//go:build unix

package kafkatest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// stallLimit bounds the wait for the next record of a log that is known to go on.
const stallLimit = 30 * time.Second

// Read returns all that is in the log of a topic: every partition from its start up to its high
// watermark at the time of the call, sorted by partition and offset. Records of aborted
// transactions are among them. It waits at most 30 s for the next record, then fails t.
func (c *Cluster) Read(t testing.TB, topic string) []*kgo.Record {
	t.Helper()
	var all []*kgo.Record
	c.ReadEach(t, topic, func(r *kgo.Record) { all = append(all, r) })
	slices.SortStableFunc(all, func(a, b *kgo.Record) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	return all
}

// ReadEach is Read for logs too big to keep: it calls fn for each record, one at a time, on the
// caller's goroutine. The records of a partition come in order of their offsets, the partitions
// interleaved. fn may keep the record.
func (c *Cluster) ReadEach(t testing.TB, topic string, fn func(*kgo.Record)) {
	t.Helper()
	var spans map[int32]span
	c.admin(t, "find the ends of "+topic, func(ctx context.Context, adm *kadm.Client) (err error) {
		spans, err = logSpans(ctx, adm, topic)
		return err
	})
	if err := c.readSpans(topic, spans, fn); err != nil {
		t.Fatalf("kafkatest: read %s: %v", topic, err)
	}
}

// span is the part of a partition's log from start to before end.
type span struct{ start, end int64 }

// logSpans returns the span of each partition that is not empty. It tries until ctx ends, as
// partitions that change their leader answer with errors for a while.
func logSpans(ctx context.Context, adm *kadm.Client, topic string) (map[int32]span, error) {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		spans, err := logSpansOnce(ctx, adm, topic)
		if err == nil {
			return spans, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w; the last try: %w", ctx.Err(), err)
		case <-ticker.C:
		}
	}
}

func logSpansOnce(ctx context.Context, adm *kadm.Client, topic string) (map[int32]span, error) {
	starts, err1 := adm.ListStartOffsets(ctx, topic)
	ends, err2 := adm.ListEndOffsets(ctx, topic)
	if err := errors.Join(err1, err2, starts.Error(), ends.Error()); err != nil {
		return nil, err
	}
	if len(ends[topic]) == 0 {
		return nil, errors.New("no partitions are known")
	}
	spans := make(map[int32]span)
	for partition, end := range ends[topic] {
		if s := (span{starts[topic][partition].Offset, end.Offset}); s.start < s.end {
			spans[partition] = s
		}
	}
	return spans, nil
}

func (c *Cluster) readSpans(topic string, spans map[int32]span, fn func(*kgo.Record)) error {
	from := make(map[int32]kgo.Offset, len(spans))
	left := make(map[int32]int64, len(spans)) // the end of each partition not yet read up to it
	for partition, s := range spans {
		from[partition], left[partition] = kgo.NewOffset().At(s.start), s.end
	}
	if len(left) == 0 {
		return nil
	}
	cl, err := c.liveClient(
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}),
		kgo.FetchMaxWait(100*time.Millisecond),
		kgo.KeepControlRecords(), // they take offsets too, and one may be the last
	)
	if err != nil {
		return err
	}
	defer cl.Close()
	for len(left) > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), stallLimit)
		fetches := cl.PollFetches(ctx)
		cancel()
		if err := ctx.Err(); errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("nothing came for %v; not read to the end: %v", stallLimit, left)
		}
		if errs := fetches.Errors(); len(errs) > 0 {
			return fmt.Errorf("partition %d: %w", errs[0].Partition, errs[0].Err)
		}
		for r := range fetches.RecordsAll() {
			end, ok := left[r.Partition]
			if !ok || r.Offset >= end {
				continue // written after the call
			}
			if !r.Attrs.IsControl() {
				fn(r)
			}
			if r.Offset == end-1 {
				delete(left, r.Partition)
				cl.PauseFetchPartitions(map[string][]int32{topic: {r.Partition}})
			}
		}
	}
	return nil
}
