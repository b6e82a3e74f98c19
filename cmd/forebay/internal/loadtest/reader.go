package loadtest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// reader is one client that reads all of a topic.
type reader struct {
	crowd  *crowd
	client *kgo.Client
	begin  map[int32]int64 // where a pass begins; nil: the reader stays at the end

	mu   sync.Mutex // guards what follows
	next map[int32]int64
	err  error // the newest

	// belong to run
	ends map[int32]int64 // where a pass ends
	due  []time.Duration
}

// readCounts is what readers have done.
type readCounts struct{ fetches, records, bytes, passes uint64 }

func (c *readCounts) minus(o *readCounts) readCounts {
	return readCounts{c.fetches - o.fetches, c.records - o.records, c.bytes - o.bytes,
		c.passes - o.passes}
}

// counters are readCounts that several goroutines change. They are a kgo.Hook.
type counters struct{ fetches, records, bytes, passes atomic.Uint64 }

// OnBrokerWrite counts a fetch request.
func (c *counters) OnBrokerWrite(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration,
	err error) {
	if err == nil && key == int16(kmsg.Fetch) {
		c.fetches.Add(1)
	}
}

// newReader makes a reader of the partitions in from, which has their first offsets.
func (c *crowd) newReader(from map[int32]int64) (*reader, error) {
	r := &reader{crowd: c, next: maps.Clone(from)}
	offsets := make(map[int32]kgo.Offset, len(from))
	for partition, offset := range from {
		offsets[partition] = kgo.NewOffset().At(offset)
	}
	opts := append(slices.Clone(c.plan.opts),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{c.plan.topic: offsets}),
		kgo.WithHooks(&c.counted), kgo.WithContext(c.life))
	if c.plan.maxWait > 0 {
		opts = append(opts, kgo.FetchMaxWait(c.plan.maxWait), kgo.FetchMinBytes(c.plan.minBytes))
	}
	var err error
	if r.client, err = kgo.NewClient(opts...); err != nil {
		return nil, err
	}
	if c.plan.old {
		r.begin, r.ends = from, c.ends
	}
	return r, nil
}

// run reads until ctx ends.
func (r *reader) run(ctx context.Context) {
	for ctx.Err() == nil {
		fetches := r.client.PollFetches(ctx)
		now := r.crowd.plan.meter.since()
		fetches.EachError(func(_ string, _ int32, err error) {
			if !errors.Is(err, context.Canceled) {
				r.mu.Lock()
				r.err = err
				r.mu.Unlock()
			}
		})
		fetches.EachPartition(func(p kgo.FetchTopicPartition) { r.take(p.Partition, p.Records) })
		if t := r.crowd.plan.meter.now.Load(); t != nil && len(r.due) > 0 {
			t.seen(r.due, now)
		}
		r.due = r.due[:0]
		if r.begin != nil && r.atEnd() {
			r.again(ctx)
		}
	}
}

// take counts the records of a partition, and keeps when they were due.
func (r *reader) take(partition int32, records []*kgo.Record) {
	if len(records) == 0 {
		return
	}
	bytes := 0
	for _, rec := range records {
		bytes += len(rec.Key) + len(rec.Value)
		if r.begin != nil {
			continue
		}
		if due, ok := stampOf(rec.Value, r.crowd.plan.run); ok {
			r.due = append(r.due, due)
		}
	}
	r.crowd.counted.records.Add(uint64(len(records)))
	r.crowd.counted.bytes.Add(uint64(bytes))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next[partition] = records[len(records)-1].Offset + 1
}

// atEnd reports whether a pass is over.
func (r *reader) atEnd() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for partition, end := range r.ends {
		if r.next[partition] < end {
			return false
		}
	}
	return true
}

// again begins a new pass, up to where the topic ends now.
func (r *reader) again(ctx context.Context) {
	ends, err := r.crowd.offsets(ctx, (*kadm.Client).ListEndOffsets)
	if err != nil {
		sleep(ctx, 100*time.Millisecond) // the topic goes on to be read at its end meanwhile
		return
	}
	back := make(map[int32]kgo.EpochOffset, len(r.begin))
	for partition, offset := range r.begin {
		back[partition] = kgo.EpochOffset{Epoch: -1, Offset: offset}
	}
	r.client.SetOffsets(map[string]map[int32]kgo.EpochOffset{r.crowd.plan.topic: back})
	r.mu.Lock()
	r.next = maps.Clone(r.begin)
	r.mu.Unlock()
	r.ends = ends
	r.crowd.counted.passes.Add(1)
}

// behind returns how many records there are between where the reader is and some ends.
func (r *reader) behind(ends map[int32]int64) (n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for partition, end := range ends {
		n += max(0, end-r.next[partition])
	}
	return n
}
