//go:build unix

package cluster_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"go.uber.org/zap/zaptest"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/internal/cluster"
	"github.com/forebay-go/forebay/test/kafkatest"
)

// These tests pin what Kafka itself does with the numbers of batches, on which everything above a
// Link relies.

// bench is a link to real Kafka and the topic that it writes to.
type bench struct {
	link  *cluster.Link
	view  func() *cluster.View
	topic string
	lane  *buffer.Lane
}

// newBench makes a topic with two partitions and waits until the view has their leaders.
func newBench(t *testing.T, k *kafkatest.Cluster) *bench {
	t.Helper()
	b := &bench{topic: kafkatest.TopicName(t)}
	k.CreateTopic(t, b.topic, 2)
	c, err := cluster.New(cluster.Config{Name: "events", Seeds: k.Seeds(), ClientID: "forebay",
		Logger: zaptest.NewLogger(t)})
	require.NoError(t, err)
	b.link = c.NewLink(func() {})
	c.Start()
	t.Cleanup(func() {
		c.Close()
		b.link.Close()
	})
	c.Want(b.topic)
	b.view = c.View
	require.Eventually(t, func() bool {
		parts := c.View().Topics[b.topic].Partitions
		return len(parts) == 2 && c.View().Usable(parts[0].Leader) &&
			c.View().Usable(parts[1].Leader)
	}, time.Minute, 5*time.Millisecond)
	outlet := buffer.NewOutlet()
	b.lane = buffer.NewLane(buffer.Config{Linger: time.Hour, DeliveryTimeout: time.Hour,
		BatchBytes: 1 << 20, MaxTopics: 1,
		Outlet: func(string) *buffer.Outlet { return outlet }},
		buffer.NewBudget(1<<24), buffer.NewPool(16<<10, 1<<20))
	return b
}

// first returns a numbering that the link has for partition 0.
func (b *bench) first(t *testing.T) (s cluster.Sequence) {
	t.Helper()
	require.Eventually(t, func() (ok bool) {
		s, ok = b.link.Renew(0, b.topic, 0)
		return ok
	}, time.Minute, 5*time.Millisecond)
	return s
}

// batch returns an attempt to write as many records to a partition.
func (b *bench) batch(t *testing.T, partition int32, records int,
	s cluster.Sequence) *cluster.Attempt {
	t.Helper()
	topic, err := b.lane.Topic(b.topic, 0)
	require.NoError(t, err)
	for i := range records {
		r := buffer.Record{Value: []byte{byte(i)}, Timestamp: time.Now().UnixMilli()}
		require.NoError(t, topic.Append(&r, buffer.Unkeyed, -1, 0))
	}
	batch := topic.Take(buffer.Unkeyed, -1, true)
	require.Equal(t, records, batch.Records())
	a := &cluster.Attempt{Topic: b.topic, Partition: partition, Body: batch.Body(),
		Sum: batch.Sum(), Lent: batch.Lent(), Records: records, Sequence: s}
	a.BaseTime, a.MaxTime = batch.Times()
	return a
}

// produce sends attempts in one request and requires that each is answered.
func (b *bench) produce(t *testing.T, attempts ...*cluster.Attempt) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	b.link.Produce(ctx, b.view().Topics[b.topic].Partitions[0].Leader, b.link.Prepare(attempts))
	for _, a := range attempts {
		require.NoError(t, a.Err)
		require.Equal(t, cluster.Answered, a.Fate)
	}
}

// write is produce of one batch, which must be appended at offset.
func (b *bench) write(t *testing.T, partition int32, records int, s cluster.Sequence,
	offset int64) *cluster.Attempt {
	t.Helper()
	a := b.batch(t, partition, records, s)
	b.produce(t, a)
	require.NoError(t, kerr.ErrorForCode(a.Code))
	require.Equal(t, offset, a.Offset)
	return a
}

// refused is produce of one batch, which must not be appended, for that reason.
func (b *bench) refused(t *testing.T, partition int32, records int, s cluster.Sequence,
	reason *kerr.Error) {
	t.Helper()
	a := b.batch(t, partition, records, s)
	b.produce(t, a)
	require.ErrorIs(t, kerr.ErrorForCode(a.Code), reason)
}

func TestLink_OnRealKafka(t *testing.T) {
	k := kafkatest.Start(t)
	for _, test := range []struct {
		promise string
		run     func(*testing.T, *bench)
	}{
		{"partitions of one producer ID are numbered by epochs of their own", ownEpochs},
		{"an old epoch is refused", oldEpoch},
		{"a higher epoch starts at sequence 0", higherEpoch},
		{"an exact duplicate is answered with its first offset", duplicate},
		{"the same sequence with another count is refused", otherCount},
		{"a sequence wraps inside a batch", wrap},
		{"one request has an answer for each partition", mixedAnswers},
	} {
		t.Run(test.promise, func(t *testing.T) {
			b := newBench(t, k)
			test.run(t, b)
			for _, r := range k.Read(t, b.topic) {
				require.Equal(t, b.first(t).ID, r.ProducerID,
					"as a client reads it that is not ours")
			}
		})
	}
}

func ownEpochs(t *testing.T, b *bench) {
	s0 := b.first(t)
	s1, ok := b.link.Renew(0, b.topic, 1)
	require.True(t, ok)
	require.Equal(t, s0, s1)
	b.write(t, 0, 3, s0, 0)
	s0.Advance(3)
	b.write(t, 1, 4, s1, 0)
	s1.Advance(4)
	renewed, ok := b.link.Renew(0, b.topic, 1)
	require.True(t, ok)
	require.Equal(t, cluster.Sequence{ID: s1.ID, Epoch: s1.Epoch + 1}, renewed)
	b.write(t, 1, 2, renewed, 4)
	b.write(t, 0, 5, s0, 3) // in the old epoch, where it was
	s0.Advance(5)
	renewed.Advance(2)
	b.write(t, 1, 1, renewed, 6)
	b.write(t, 0, 1, s0, 8)
}

func oldEpoch(t *testing.T, b *bench) {
	s := b.first(t)
	b.write(t, 0, 3, s, 0)
	renewed, ok := b.link.Renew(0, b.topic, 0)
	require.True(t, ok)
	b.write(t, 0, 1, renewed, 3)
	s.Advance(3)
	b.refused(t, 0, 2, s, kerr.InvalidProducerEpoch)
	s.Next = 0
	// an attempt that comes late is not even a duplicate any more
	b.refused(t, 0, 3, s, kerr.InvalidProducerEpoch)
}

func higherEpoch(t *testing.T, b *bench) {
	s := b.first(t)
	b.write(t, 0, 3, s, 0)
	b.refused(t, 0, 3, cluster.Sequence{ID: s.ID, Epoch: s.Epoch + 7, Next: 3},
		kerr.OutOfOrderSequenceNumber)
	b.write(t, 0, 3, cluster.Sequence{ID: s.ID, Epoch: s.Epoch + 7}, 3) // epochs may be skipped
}

func duplicate(t *testing.T, b *bench) {
	s := b.first(t)
	first := b.write(t, 0, 3, s, 0)
	s.Advance(3)
	second := b.write(t, 0, 2, s, 3)
	for _, a := range []*cluster.Attempt{first, second} {
		again := &cluster.Attempt{Topic: a.Topic, Partition: a.Partition, Body: a.Body,
			Sum: a.Sum, Lent: a.Lent, Records: a.Records, BaseTime: a.BaseTime, MaxTime: a.MaxTime, Sequence: a.Sequence}
		b.produce(t, again)
		require.Equal(t, cluster.Done, cluster.ActionOf(again.Code))
		require.Zero(t, again.Code)
		require.Equal(t, a.Offset, again.Offset)
	}
	s.Advance(2)
	b.write(t, 0, 1, s, 5)
}

func otherCount(t *testing.T, b *bench) {
	s := b.first(t)
	b.write(t, 0, 3, s, 0)
	b.refused(t, 0, 2, s, kerr.OutOfOrderSequenceNumber)
	s.Advance(4)
	b.refused(t, 0, 1, s, kerr.OutOfOrderSequenceNumber) // nor may there be a gap
}

func wrap(t *testing.T, b *bench) {
	s := b.first(t)
	// 2³¹−5: a partition that has not seen the producer takes any first sequence
	s.Next = math.MaxInt32 - 4
	b.write(t, 0, 10, s, 0)
	s.Advance(10)
	require.EqualValues(t, 5, s.Next)
	b.write(t, 0, 1, s, 10)
	s.Advance(1)
	require.EqualValues(t, 6, s.Next)
	s.Next = 5
	b.write(t, 0, 1, s, 10) // a duplicate
}

func mixedAnswers(t *testing.T, b *bench) {
	s := b.first(t)
	b.write(t, 0, 3, s, 0)
	bad, good := b.batch(t, 0, 1, s), b.batch(t, 1, 2, s)
	b.produce(t, bad, good)
	require.Equal(t, cluster.Renew, cluster.ActionOf(bad.Code))
	require.Equal(t, cluster.Done, cluster.ActionOf(good.Code))
	require.Zero(t, good.Offset)
}
