package cluster

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func testAttempts() []*Attempt {
	attempts := []*Attempt{
		{Topic: "a", Partition: 3, Body: []byte("body of a3"), Codec: 3, Records: 2, BaseTime: 1000,
			MaxTime: 1007, Sequence: Sequence{ID: 9, Epoch: 5, Next: 77}},
		{Topic: "a", Partition: 4, Body: []byte("body of a4"), Records: 1, Sequence: Unnumbered},
		{Topic: "b", Partition: 0, Body: []byte("body of b0"), Records: 1},
	}
	for _, a := range attempts {
		a.Sum, a.Lent = crc32.Checksum(a.Body, castagnoli), new(atomic.Int32)
	}
	return attempts
}

// hi returns an attempt to write one record to partition 0 of topic a.
func hi(s Sequence) *Attempt {
	body := []byte{0x10, 0, 0, 0, 1, 4, 'h', 'i', 0}
	return &Attempt{Topic: "a", Body: body, Sum: crc32.Checksum(body, castagnoli), Records: 1,
		Lent: new(atomic.Int32), Sequence: s}
}

// encode returns what a connection writes for req, without the header.
func encode(t *testing.T, req *Request, version int16, apart bool) []byte {
	t.Helper()
	f := req.lend(make([]byte, 4), version, apart)
	defer f.release()
	var out bytes.Buffer
	n, err := f.write(&out)
	require.NoError(t, err)
	require.EqualValues(t, f.size(), n)
	require.EqualValues(t, n-4, binary.BigEndian.Uint32(out.Bytes()))
	return out.Bytes()[4:]
}

// decode reads it back.
func decode(t *testing.T, req *Request, version int16) *kmsg.ProduceRequest {
	t.Helper()
	read := kmsg.NewPtrProduceRequest()
	read.SetVersion(version)
	require.NoError(t, read.ReadFrom(encode(t, req, version, false)), "version %d", version)
	return read
}

func newTestRequest(attempts []*Attempt) *Request {
	l := &Link{c: &Cluster{cfg: Config{}}}
	return l.Prepare(attempts)
}

func TestRequest_IsWhatKafkasProtocolSaysInEveryVersion(t *testing.T) {
	for version := int16(3); version <= maxProduceVersion; version++ {
		attempts := testAttempts()
		req := newTestRequest(attempts)
		read := decode(t, req, version)
		require.EqualValues(t, -1, read.Acks)
		require.EqualValues(t, 3000, read.TimeoutMillis)
		require.Len(t, read.Topics, 2)
		require.Equal(t, "a", read.Topics[0].Topic)
		require.Len(t, read.Topics[0].Partitions, 2)
		require.Equal(t, "b", read.Topics[1].Topic)

		part := read.Topics[0].Partitions[0]
		require.EqualValues(t, 3, part.Partition)
		var batch kmsg.RecordBatch
		require.NoError(t, batch.ReadFrom(part.Records))
		require.EqualValues(t, 2, batch.Magic)
		require.EqualValues(t, 3, batch.Attributes)
		require.EqualValues(t, 1, batch.LastOffsetDelta)
		require.EqualValues(t, 1000, batch.FirstTimestamp)
		require.EqualValues(t, 1007, batch.MaxTimestamp)
		require.EqualValues(t, 9, batch.ProducerID)
		require.EqualValues(t, 5, batch.ProducerEpoch)
		require.EqualValues(t, 77, batch.FirstSequence)
		require.EqualValues(t, 2, batch.NumRecords)
		require.Equal(t, "body of a3", string(batch.Records))
		require.EqualValues(t, len(part.Records)-12, batch.Length)
		require.Equal(t, crc32.Checksum(part.Records[21:], castagnoli),
			binary.BigEndian.Uint32(part.Records[17:]))
	}
}

func TestRequest_NothingOfARevokedBatchIsReadOrWritten(t *testing.T) {
	attempts := testAttempts()
	req := newTestRequest(attempts)
	require.False(t, attempts[0].Revoke(), "not written yet")
	attempts[0].Body, attempts[0].Lent = nil, nil
	read := decode(t, req, 9)
	require.Len(t, read.Topics[0].Partitions, 1)
	require.EqualValues(t, 4, read.Topics[0].Partitions[0].Partition)
	require.True(t, attempts[1].Revoke(), "written")
}

func TestRequest_AfterItsSenderHasGoneItIsEmptyAndStillValid(t *testing.T) {
	req := newTestRequest(testAttempts())
	require.False(t, req.close(), "never written")
	require.Empty(t, decode(t, req, 12).Topics)
}

func TestSequence_WrapsFromTheHighestToZero(t *testing.T) {
	s := Sequence{ID: 1, Next: 1<<31 - 5}
	s.Advance(10)
	require.EqualValues(t, 5, s.Next)
	s = Sequence{ID: 1, Next: 1<<31 - 1}
	s.Advance(1)
	require.Zero(t, s.Next)
	s = Unnumbered
	s.Advance(10)
	require.Equal(t, Unnumbered, s)
}

func TestRead_MatchesAnswersByTopicAndPartition(t *testing.T) {
	attempts := testAttempts()
	for _, a := range attempts {
		a.Answer = Answer{Fate: Unresolved, Offset: -1, Leader: -1}
	}
	resp := kmsg.NewPtrProduceResponse()
	resp.Version = 10
	part := func(n int32, code int16, offset int64) kmsg.ProduceResponseTopicPartition {
		p := kmsg.NewProduceResponseTopicPartition()
		p.Partition, p.ErrorCode, p.BaseOffset = n, code, offset
		p.CurrentLeader.LeaderID = 4
		return p
	}
	resp.Topics = []kmsg.ProduceResponseTopic{
		{Topic: "b", Partitions: []kmsg.ProduceResponseTopicPartition{part(0, 6, -1),
			part(9, 0, 1)}},
		{Topic: "a", Partitions: []kmsg.ProduceResponseTopicPartition{part(3, 0, 42)}},
	}
	read(resp, attempts)
	require.Equal(t, Answered, attempts[0].Fate)
	require.EqualValues(t, 42, attempts[0].Offset)
	require.Equal(t, Unresolved, attempts[1].Fate)
	require.ErrorIs(t, attempts[1].Err, errNotMentioned)
	require.EqualValues(t, 6, attempts[2].Code)
	require.EqualValues(t, 4, attempts[2].Leader)
}

func TestRead_KeepsOfABrokersWordsAndNumbersWhatMakesSense(t *testing.T) {
	a := &Attempt{Topic: "a", Records: 2}
	p := kmsg.NewProduceResponseTopicPartition()
	p.ErrorCode, p.BaseOffset, p.ErrorMessage = 87, -9, kmsg.StringPtr(strings.Repeat("no", 1<<20))
	for _, n := range []int32{-1, 1, 2, 1 << 30} {
		p.ErrorRecords = append(p.ErrorRecords,
			kmsg.ProduceResponseTopicPartitionErrorRecord{RelativeOffset: n})
	}
	resp := kmsg.NewPtrProduceResponse()
	resp.Topics = []kmsg.ProduceResponseTopic{{Topic: "a",
		Partitions: []kmsg.ProduceResponseTopicPartition{p}}}
	read(resp, []*Attempt{a})
	require.Less(t, len(a.Text), 1000)
	require.EqualValues(t, -1, a.Offset)
	require.Equal(t, []int{1}, a.Bad)
}

func TestRequest_LeavesOutWhatAnOldBrokerDoesNotKnow(t *testing.T) {
	for version := int16(0); version <= maxProduceVersion; version++ {
		attempts := testAttempts()
		attempts[0].Codec = 4 // zstd
		req := newTestRequest(attempts)
		read := decode(t, req, version)
		batches := 0
		for _, topic := range read.Topics {
			batches += len(topic.Partitions)
		}
		switch {
		case version < 3:
			require.Zero(t, batches, "it has no record batches")
			require.False(t, attempts[1].Revoke())
		case version < 7:
			require.Equal(t, 2, batches)
			require.False(t, attempts[0].Revoke(), "it was not written")
			require.True(t, attempts[1].Revoke())
		default:
			require.Equal(t, 3, batches)
			require.True(t, attempts[0].Revoke())
		}
	}
}

func TestRead_SaysWhatAnOldBrokerDoesNotTake(t *testing.T) {
	attempts := testAttempts()[:1]
	attempts[0].Codec = 4
	req := newTestRequest(attempts)
	decode(t, req, 6)
	read(&kmsg.ProduceResponse{Version: 6}, attempts)
	require.Equal(t, Answered, attempts[0].Fate)
	require.Equal(t, Recompress, attempts[0].Action(false))
	require.Contains(t, attempts[0].Text, "Kafka 2.1")
}
