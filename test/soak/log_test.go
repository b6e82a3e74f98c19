//go:build soak && unix

package soak

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/test/kafkatest"
)

// Records are deleted when they were read so long ago: the brokers must still have what a producer
// may have to write again, or they do not know it for a duplicate.
const (
	keepFor     = 15 * time.Minute
	deleteEvery = time.Minute
)

// logReader reads all topics as they grow, by a client that is not ours.
type logReader struct {
	client *kgo.Client
	admin  *kadm.Client
	sides  []*side
	v      *verdict
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu   sync.Mutex // guards what follows
	next map[string]map[int32]int64
	past []kadm.Offsets // what next was, once for each deleteEvery
}

func readLog(t *testing.T, k *kafkatest.Cluster, v *verdict, sides []*side) *logReader {
	l := &logReader{sides: sides, v: v, next: make(map[string]map[int32]int64)}
	var topics []string
	for _, s := range sides {
		for _, topic := range s.topics {
			topics = append(topics, topic.name)
			l.next[topic.name] = make(map[int32]int64)
		}
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Seeds()...), kgo.ClientID("soak-reader"),
		kgo.ConsumeTopics(topics...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.MetadataMaxAge(2*time.Second), kgo.MetadataMinAge(100*time.Millisecond),
		kgo.RetryBackoffFn(func(int) time.Duration { return 200 * time.Millisecond }), kgo.DialTimeout(2*time.Second),
		kgo.FetchMaxBytes(4<<20), kgo.FetchMaxPartitionBytes(1<<20), kgo.FetchMaxWait(500*time.Millisecond), kgo.FetchMinBytes(64<<10))
	require.NoError(t, err)
	l.client, l.admin = client, kadm.NewClient(client)
	t.Cleanup(l.close)
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	l.done.Go(func() { l.read(ctx) })
	l.done.Go(func() { l.deleteOld(ctx) })
	return l
}

func (l *logReader) close() {
	l.cancel()
	l.client.Close()
	l.done.Wait()
}

func (l *logReader) read(ctx context.Context) {
	for ctx.Err() == nil {
		fetches := l.client.PollRecords(ctx, 5000)
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			if p.Err != nil && ctx.Err() == nil {
				say("the reader, at %s/%d: %v", p.Topic, p.Partition, p.Err)
			}
			l.take(p.Topic, p.Partition, p.Records)
		})
	}
}

// take hands records to the ledger of their producer. A client that loses its place may read again
// what it has read.
func (l *logReader) take(topic string, partition int32, records []*kgo.Record) {
	if l.next[topic] == nil {
		return // an error of the whole poll
	}
	l.mu.Lock()
	next := l.next[topic][partition]
	var fresh []*kgo.Record
	for _, r := range records {
		switch {
		case r.Offset < next:
			continue
		case r.Offset > next:
			l.v.violated("the log of %s/%d goes on at %d after %d", topic, partition, r.Offset,
				next-1)
		}
		next = r.Offset + 1
		fresh = append(fresh, r)
	}
	l.next[topic][partition] = next
	l.mu.Unlock()
	for _, s := range l.sides {
		if strings.HasPrefix(topic, s.name+"-") {
			s.ledger.Read(fresh...)
			s.ledger.Ordered(fresh)
		}
	}
}

func (l *logReader) deleteOld(ctx context.Context) {
	for pause(ctx, deleteEvery) {
		l.past = append(l.past, l.offsets())
		if len(l.past) <= int(keepFor/deleteEvery) {
			continue
		}
		if _, err := l.admin.DeleteRecords(ctx, l.past[0]); err != nil && ctx.Err() == nil {
			say("delete what was read: %v", err)
		}
		l.past = l.past[1:]
	}
}

// offsets returns up to where everything was read.
func (l *logReader) offsets() kadm.Offsets {
	l.mu.Lock()
	defer l.mu.Unlock()
	o := make(kadm.Offsets)
	for topic, partitions := range l.next {
		for p, next := range partitions {
			o.AddOffset(topic, p, next, -1)
		}
	}
	return o
}

// finish reads everything up to the end, when nobody writes any more.
func (l *logReader) finish(t *testing.T, v *verdict) {
	ctx, cancel := context.WithTimeout(t.Context(), healing)
	defer cancel()
	var missing string
	for missing = l.missing(ctx); missing != ""; missing = l.missing(ctx) {
		if !pause(ctx, 200*time.Millisecond) {
			v.violated("the log cannot be read to its end: %s", missing)
			break
		}
	}
	l.close()
}

// missing says what is not read yet.
func (l *logReader) missing(ctx context.Context) string {
	var topics []string
	for topic := range l.next {
		topics = append(topics, topic)
	}
	ends, err := l.admin.ListEndOffsets(ctx, topics...)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return err.Error()
	}
	missing := ""
	l.mu.Lock()
	defer l.mu.Unlock()
	ends.Each(func(o kadm.ListedOffset) {
		if l.next[o.Topic][o.Partition] < o.Offset {
			missing = o.Topic
		}
	})
	return missing
}
