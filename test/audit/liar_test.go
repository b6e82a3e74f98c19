//go:build unix

package audit_test

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/test/hostile"
)

// liar stands between a producer and its brokers. When it is asked to, it acknowledges a batch that
// no broker sees, or has a batch written twice. It takes the next request that has one batch of one
// record for the topic, and nothing else.
type liar struct {
	*hostile.Middle
	t       *testing.T
	topic   string
	id      kadm.TopicID
	admin   *kadm.Client
	client  *kgo.Client
	drop    atomic.Bool // asks for the first
	double  atomic.Bool // asks for the second
	dropped atomic.Int64
	doubled atomic.Int64
}

func (s *stage) liar(t *testing.T) *liar {
	l := &liar{Middle: hostile.New(new(net.Dialer).DialContext, 1), t: t, topic: s.topic,
		admin: s.Admin(t)}
	topics, err := l.admin.ListTopics(soon(t), s.topic)
	require.NoError(t, err)
	l.id = topics[s.topic].ID
	l.client, err = kgo.NewClient(s.options()...)
	require.NoError(t, err)
	t.Cleanup(l.Wait) // the producer is closed before
	t.Cleanup(l.client.Close)
	l.Script(l.next)
	return l
}

// next says what becomes of a request.
func (l *liar) next(req *kmsg.ProduceRequest) *hostile.Mutation {
	if !l.drop.Load() && !l.double.Load() {
		return nil
	}
	if len(req.Topics) != 1 || len(req.Topics[0].Partitions) != 1 {
		return nil
	}
	topic, written := &req.Topics[0], &req.Topics[0].Partitions[0]
	var batch kmsg.RecordBatch
	if topic.Topic != l.topic && topic.TopicID != l.id ||
		batch.ReadFrom(written.Records) != nil || batch.NumRecords != 1 {
		return nil
	}
	switch {
	case l.drop.CompareAndSwap(true, false):
		l.dropped.Add(1)
		return hostile.Acknowledged(l.end(written.Partition))
	case l.double.CompareAndSwap(true, false):
		l.doubled.Add(1)
		l.write(written.Partition, written.Records)
	}
	return nil
}

// end returns the offset that the next batch of a partition gets. Nothing else is on its way there.
func (l *liar) end(partition int32) int64 {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ends, err := l.admin.ListEndOffsets(ctx, l.topic)
	if err != nil {
		l.t.Errorf("ask where partition %d ends: %v", partition, err)
	}
	end, _ := ends.Lookup(l.topic, partition)
	return end.Offset
}

// write has a batch written by another producer, so that the broker does not know it again.
func (l *liar) write(partition int32, batch []byte) {
	copied := append([]byte(nil), batch...)
	const crc, checked, producerID, records = 17, 21, 43, 57 // where they are in a batch
	for i := producerID; i < records; i++ {                  // its ID, epoch and sequence: none
		copied[i] = 0xff
	}
	binary.BigEndian.PutUint32(copied[crc:], crc32.Checksum(copied[checked:],
		crc32.MakeTable(crc32.Castagnoli)))
	again := kmsg.NewPtrProduceRequest()
	again.Acks, again.TimeoutMillis = -1, 10_000
	topic := kmsg.NewProduceRequestTopic()
	topic.Topic, topic.TopicID = l.topic, l.id
	of := kmsg.NewProduceRequestTopicPartition()
	of.Partition, of.Records = partition, copied
	topic.Partitions = append(topic.Partitions, of)
	again.Topics = append(again.Topics, topic)

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	topics, err := l.admin.ListTopics(ctx, l.topic)
	if err != nil {
		l.t.Errorf("ask who leads partition %d: %v", partition, err)
		return
	}
	leader := l.client.Broker(int(topics[l.topic].Partitions[partition].Leader))
	resp, err := again.RequestWith(ctx, leader)
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode)
	}
	if err != nil {
		l.t.Errorf("write a batch again: %v", err)
	}
}
