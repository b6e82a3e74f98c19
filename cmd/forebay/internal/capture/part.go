package capture

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	patience  = time.Minute            // for a partition that does not get on
	retry     = 250 * time.Millisecond // the pause after a failure
	fetchWait = 500 * time.Millisecond // a broker that has nothing answers after this time

	// emptyFetches in a row mean that there is nothing up to the end: compaction has removed it. A
	// broker with tiered storage answers so, too, when its storage is slow.
	emptyFetches = 8
)

// part reads a range of a partition. It sends fetch requests itself: a consumer of kgo does not say
// how far it is where compaction has left nothing, and it reads other partitions ahead.
type part struct {
	client    *kgo.Client
	topic     string
	partition int32
	next, end int64 // the offset to read next, and the one that ends the range
	bytes     int32 // to ask for at a time
	records   []*kgo.Record
	deleted   int64 // offsets that Kafka deleted before they were read
	empty     int   // fetches in a row that had nothing

	leader int32 // -1: not known
	id     kadm.TopicID
}

// fill reads until there are records, or nothing more is in the range.
func (p *part) fill(ctx context.Context) error {
	moved := time.Now()
	for p.next < p.end && len(p.records) == 0 {
		from := p.next
		err := p.fetch(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case p.next > from:
			moved = time.Now()
			continue
		case fatal(err), time.Since(moved) > patience:
			return fmt.Errorf("read topic %q, partition %d, at offset %d: %w", p.topic, p.partition,
				p.next, err)
		case err != nil:
			p.leader = -1
			pause(ctx, retry)
		}
	}
	return nil
}

// fatal reports whether err does not pass by waiting.
func fatal(err error) bool {
	if errors.Is(err, errMadeAnew) {
		return true
	}
	broker, ok := errors.AsType[*kerr.Error](err)
	return ok && !broker.Retriable && broker != kerr.OffsetOutOfRange
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// errShort reports a partition that ends before the range does.
var errShort = errors.New("the partition ends before the range, as if its newest records were lost")

// fetch asks the leader once.
func (p *part) fetch(ctx context.Context) error {
	if err := p.find(ctx); err != nil {
		return err
	}
	answer, err := p.client.Broker(int(p.leader)).RetriableRequest(ctx, p.request())
	if err != nil {
		return err
	}
	resp := answer.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return err
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		pause(ctx, retry) // a broker that throttles answers so
		return errors.New("the broker answers without the partition")
	}
	got := &resp.Topics[0].Partitions[0]
	if err := kerr.ErrorForCode(got.ErrorCode); errors.Is(err, kerr.OffsetOutOfRange) {
		return p.skip(ctx, err)
	} else if err != nil {
		return err
	}
	return p.take(got)
}

// request returns the request for what is next.
func (p *part) request() *kmsg.FetchRequest {
	partition := kmsg.NewFetchRequestTopicPartition()
	partition.Partition, partition.FetchOffset = p.partition, p.next
	partition.PartitionMaxBytes = p.bytes
	topic := kmsg.NewFetchRequestTopic()
	topic.Topic, topic.TopicID = p.topic, p.id // brokers since 3.1 go by the ID
	topic.Partitions = append(topic.Partitions, partition)
	req := kmsg.NewPtrFetchRequest()
	req.MaxWaitMillis, req.MinBytes = int32(fetchWait/time.Millisecond), 1
	req.MaxBytes = p.bytes
	req.Topics = append(req.Topics, topic)
	return req
}

// take keeps the records of the range, and goes on behind them. Control records are not kept, and
// batches without records are passed.
func (p *part) take(got *kmsg.FetchResponseTopicPartition) error {
	fetched, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Offset: p.next,
		Topic: p.topic, Partition: p.partition}, got, kgo.DefaultDecompressor(), nil)
	for _, rec := range fetched.Records {
		if rec.Offset < p.end {
			p.records = append(p.records, rec)
		}
	}
	if next > p.next {
		p.next, p.empty = next, 0
		return nil
	}
	if fetched.Err != nil || len(got.RecordBatches) > 0 {
		return errors.Join(fetched.Err, errors.New("the broker sends no whole batch"))
	}
	if got.HighWatermark < p.end {
		return errShort
	}
	if p.empty++; p.empty == emptyFetches {
		p.next = p.end
	}
	return nil
}

// skip goes on where the log begins now, if that is why an offset is out of range.
func (p *part) skip(ctx context.Context, why error) error {
	starts, err := kadm.NewClient(p.client).ListStartOffsets(ctx, p.topic)
	if err != nil {
		return err
	}
	start, ok := starts.Lookup(p.topic, p.partition)
	if !ok || start.Err != nil || start.Offset <= p.next {
		return why
	}
	upto := min(start.Offset, p.end)
	p.deleted += upto - p.next
	p.next = upto
	return nil
}

// errMadeAnew reports a topic whose offsets mean something else now.
var errMadeAnew = errors.New("the topic was deleted and made anew: record it again")

// find asks who leads the partition, unless that is known.
func (p *part) find(ctx context.Context) error {
	if p.leader >= 0 {
		return nil
	}
	topics, err := kadm.NewClient(p.client).ListTopics(ctx, p.topic)
	if err != nil {
		return err
	}
	topic := topics[p.topic]
	if topic.Err != nil {
		return topic.Err
	}
	if p.id != (kadm.TopicID{}) && p.id != topic.ID {
		return errMadeAnew
	}
	p.id = topic.ID
	partition, ok := topic.Partitions[p.partition]
	if !ok || partition.Leader < 0 {
		return errors.New("the partition has no leader")
	}
	p.leader = partition.Leader
	return nil
}
