//go:build unix

package kafkatest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestRead_ReturnsEveryRecordOncePartitionByPartition(t *testing.T) {
	c := Shared(t)
	topic := TopicName(t)
	c.CreateTopic(t, topic, 3)
	require.Empty(t, c.Read(t, topic))

	const n = 3000
	var want []string
	for i := range n {
		want = append(want, fmt.Sprint(i))
	}
	produce(t, c, topic, want...)
	got := c.Read(t, topic)
	// Sorted, as ElementsMatch takes seconds for so many.
	require.Equal(t, slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(values(got))))
	for i := 1; i < len(got); i++ {
		before, after := got[i-1], got[i]
		if before.Partition == after.Partition {
			require.Equal(t, before.Offset+1, after.Offset)
			continue
		}
		require.Less(t, before.Partition, after.Partition)
		require.Zero(t, after.Offset)
	}

	streamed := 0
	c.ReadEach(t, topic, func(*kgo.Record) { streamed++ })
	require.Equal(t, n, streamed)
}

func TestRead_KeepsHeadersAndNil(t *testing.T) {
	c := Shared(t)
	topic := TopicName(t)
	c.CreateTopic(t, topic, 1)
	at := time.Now().Add(-time.Minute).Truncate(time.Millisecond)
	produceRecords(t, c, &kgo.Record{
		Topic: topic, Key: []byte("k"), Timestamp: at,
		Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("v")}},
	})
	got := c.Read(t, topic)
	require.Len(t, got, 1)
	require.Equal(t, []byte("k"), got[0].Key)
	require.Nil(t, got[0].Value)
	require.Equal(t, []kgo.RecordHeader{{Key: "h", Value: []byte("v")}}, got[0].Headers)
	require.True(t, at.Equal(got[0].Timestamp))
}

// The last offset of a transaction is a marker, not a record, and the first ones of a log may be
// deleted.
func TestRead_EndsWhereOffsetsHoldNoRecord(t *testing.T) {
	c := Shared(t)
	topic := TopicName(t)
	c.CreateTopic(t, topic, 1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cl, err := newClient(c.Seeds(), kgo.TransactionalID(topic))
	require.NoError(t, err)
	defer cl.Close()
	for _, commit := range []bool{true, false} {
		require.NoError(t, cl.BeginTransaction())
		for i := range 2 {
			r := &kgo.Record{Topic: topic, Value: fmt.Append(nil, commit, i)}
			require.NoError(t, cl.ProduceSync(ctx, r).FirstErr())
		}
		require.NoError(t, cl.EndTransaction(ctx, kgo.TransactionEndTry(commit)))
	}
	var upTo kadm.Offsets
	upTo.AddOffset(topic, 0, 1, -1)
	_, err = c.Admin(t).DeleteRecords(ctx, upTo)
	require.NoError(t, err)
	require.Equal(t, []string{"true 1", "false 0", "false 1"}, values(c.Read(t, topic)))
}
