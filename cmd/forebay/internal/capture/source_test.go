package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// broker returns a client of a broker in this process, with a topic "plays" of three partitions.
func broker(t *testing.T, opts ...kfake.Opt) (*kfake.Cluster, *kgo.Client) {
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(3, "plays")},
		opts...)...)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return c, client
}

// put produces a record whose value is its partition and its second.
func put(t *testing.T, client *kgo.Client, partition int32, second int) {
	require.NoError(t, client.ProduceSync(t.Context(), &kgo.Record{Topic: "plays",
		Partition: partition, Key: []byte{'k'}, Value: fmt.Appendf(nil, "%d@%d", partition, second),
		Timestamp: noon.Add(time.Duration(second) * time.Second)}).FirstErr())
}

// drain returns the values of the records of a range.
func drain(t *testing.T, client *kgo.Client, from, to Moment) (*Source, []string) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	s, err := NewSource(ctx, client, []string{"plays"}, from, to)
	require.NoError(t, err)
	values := []string{}
	for {
		rec, err := s.Next(ctx)
		if errors.Is(err, io.EOF) {
			return s, values
		}
		require.NoError(t, err)
		values = append(values, string(rec.Value))
	}
}

func TestSource_MergesPartitionsByTime(t *testing.T) {
	_, client := broker(t)
	for _, at := range [][2]int{{0, 1}, {0, 4}, {1, 2}, {2, 9}, {2, 3}, {1, 5}} {
		put(t, client, int32(at[0]), at[1])
	}
	_, got := drain(t, client, Earliest, Latest)
	require.Equal(t, []string{"0@1", "1@2", "0@4", "1@5", "2@9", "2@3"}, got,
		"no record passes an older one of its partition")

	at := func(second int) Moment { return Moment(noon.UnixMilli() + int64(second)*1000) }
	_, got = drain(t, client, at(2), at(5))
	require.Equal(t, []string{"1@2", "0@4"}, got)
	_, got = drain(t, client, at(5), Latest)
	require.Equal(t, []string{"1@5", "2@9", "2@3"}, got)
	s, got := drain(t, client, Latest, Latest)
	require.Empty(t, got)
	require.Zero(t, s.Partitions())
	_, got = drain(t, client, at(9), at(2))
	require.Empty(t, got)
}

func TestSource_EndsWhereTheTopicEndedAtItsStart(t *testing.T) {
	_, client := broker(t)
	put(t, client, 0, 1)
	s, err := NewSource(t.Context(), client, []string{"plays"}, Earliest, Latest)
	require.NoError(t, err)
	put(t, client, 0, 2)
	put(t, client, 1, 2)
	rec, err := s.Next(t.Context())
	require.NoError(t, err)
	require.Equal(t, "0@1", string(rec.Value))
	_, err = s.Next(t.Context())
	require.Equal(t, io.EOF, err)
}

func TestSource_ReadsManyMoreRecordsThanAFetchHas(t *testing.T) {
	_, client := broker(t)
	const n = 20_000
	var all []*kgo.Record
	for i := range n {
		all = append(all, &kgo.Record{Topic: "plays", Partition: int32(i % 3), Value: make([]byte, 300),
			Timestamp: noon.Add(time.Duration(i) * time.Millisecond)})
	}
	require.NoError(t, client.ProduceSync(t.Context(), all...).FirstErr())
	s, err := NewSource(t.Context(), client, []string{"plays"}, Earliest, Latest)
	require.NoError(t, err)
	for i := range n {
		rec, err := s.Next(t.Context())
		require.NoError(t, err)
		require.Equal(t, noon.Add(time.Duration(i)*time.Millisecond).UnixMilli(),
			rec.Timestamp.UnixMilli())
	}
	_, err = s.Next(t.Context())
	require.Equal(t, io.EOF, err)
}

func TestSource_PassesControlRecordsAtTheEnd(t *testing.T) {
	c, client := broker(t)
	put(t, client, 0, 1)
	txn, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.TransactionalID("a"),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	defer txn.Close()
	require.NoError(t, txn.BeginTransaction())
	put(t, txn, 0, 2)
	require.NoError(t, txn.EndTransaction(t.Context(), kgo.TryCommit))
	ends, err := kadm.NewClient(client).ListEndOffsets(t.Context(), "plays")
	require.NoError(t, err)
	end, _ := ends.Lookup("plays", 0)
	require.EqualValues(t, 3, end.Offset, "there is a control record")
	start := time.Now()
	_, got := drain(t, client, Earliest, Latest)
	require.Equal(t, []string{"0@1", "0@2"}, got)
	require.Less(t, time.Since(start), fetchWait)
}

func TestSource_PassesWhatCompactionHasRemoved(t *testing.T) {
	c, client := broker(t)
	require.NoError(t, errOf(kadm.NewClient(client).AlterTopicConfigs(t.Context(),
		[]kadm.AlterConfig{{Name: "cleanup.policy", Value: kadm.StringPtr("compact")},
			{Name: "delete.retention.ms", Value: kadm.StringPtr("0")},
			{Name: "segment.bytes", Value: kadm.StringPtr("1")}}, "plays")))
	for second := range 5 {
		put(t, client, 0, second)
	}
	c.Compact()
	_, got := drain(t, client, Earliest, Latest)
	require.NotEmpty(t, got)
	require.Less(t, len(got), 5, "compaction has removed nothing")
	require.Equal(t, "0@4", got[len(got)-1])
}

func errOf[T any](_ T, err error) error { return err }

func TestSource_CountsWhatKafkaDeletedBeforeItWasRead(t *testing.T) {
	_, client := broker(t)
	for second := range 5 {
		put(t, client, 0, second)
	}
	s, err := NewSource(t.Context(), client, []string{"plays"}, Earliest, Latest)
	require.NoError(t, err)
	upto := make(kadm.Offsets)
	upto.Add(kadm.Offset{Topic: "plays", Partition: 0, At: 3})
	require.NoError(t, errOf(kadm.NewClient(client).DeleteRecords(t.Context(), upto)))
	rec, err := s.Next(t.Context())
	require.NoError(t, err)
	require.Equal(t, "0@3", string(rec.Value))
	require.EqualValues(t, 3, s.Deleted())
}

func TestNewSource_NamesEveryTopicThatDoesNotExist(t *testing.T) {
	_, client := broker(t)
	_, err := NewSource(t.Context(), client, []string{"plays", "nope", "never"}, Earliest, Latest)
	require.ErrorContains(t, err, `topic "nope" does not exist: write one that does`)
	require.ErrorContains(t, err, `topic "never" does not exist`)
}

func TestSource_GoesOnAfterItsLeaderHasMoved(t *testing.T) {
	c, client := broker(t, kfake.NumBrokers(3))
	for second := range 3 {
		put(t, client, 0, second)
	}
	s, err := NewSource(t.Context(), client, []string{"plays"}, Earliest, Latest)
	require.NoError(t, err)
	p := s.parts[0]
	require.NoError(t, p.find(t.Context()))
	require.NoError(t, c.MoveTopicPartition("plays", 0, (p.leader+1)%3))
	for second := range 3 {
		rec, err := s.Next(t.Context())
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("0@%d", second), string(rec.Value))
	}
}

func TestSource_EndsWithItsContext(t *testing.T) {
	c, client := broker(t)
	put(t, client, 0, 1)
	s, err := NewSource(t.Context(), client, []string{"plays"}, Earliest, Latest)
	require.NoError(t, err)
	c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = s.Next(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
