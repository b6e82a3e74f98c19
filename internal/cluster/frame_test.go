package cluster

import (
	"bytes"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

func TestJoined_IsTheSumOfBothInOnePiece(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.SliceOf(rapid.Byte()).Draw(t, "first")
		second := bytes.Repeat(rapid.SliceOf(rapid.Byte()).Draw(t, "second"),
			rapid.IntRange(0, 300).Draw(t, "times"))
		require.Equal(t, crc32.Checksum(append(bytes.Clone(first), second...), castagnoli),
			joined(crc32.Checksum(first, castagnoli), crc32.Checksum(second, castagnoli),
				len(second)))
	})
}

// manyAttempts returns attempts with bodies below and above apartLeast.
func manyAttempts(r *rand.Rand, n, largest int) (attempts []*Attempt) {
	for i := range n {
		body := make([]byte, r.IntN(largest))
		for j := range body {
			body[j] = byte(r.Uint32())
		}
		attempts = append(attempts, &Attempt{Topic: "events", Partition: int32(i), Body: body,
			Records: 1, Sum: crc32.Checksum(body, castagnoli), Lent: new(atomic.Int32),
			Sequence: Sequence{ID: 7, Next: int32(i)}})
	}
	return attempts
}

func TestFrame_BodiesThatStayWhereTheyAreGoOutAsCopiedOnesDo(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 20 {
		attempts := manyAttempts(r, n, 4*apartLeast)
		for version := int16(batchVersion); version <= maxProduceVersion; version++ {
			req := newTestRequest(attempts)
			require.Equal(t, encode(t, req, version, false), encode(t, req, version, true))
		}
		for _, a := range attempts {
			require.Zero(t, a.Lent.Load())
		}
	}
}

// stuck returns a connection whose other end reads nothing until it is read from.
func stuck(t *testing.T) (*net.TCPConn, net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	ours, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	theirs, err := listener.Accept()
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, ours.Close())
		require.NoError(t, theirs.Close())
	})
	return ours.(*net.TCPConn), theirs
}

func TestFrame_RevokeDoesNotWaitForAWriteAndTheBodyStaysLentUntilItEnds(t *testing.T) {
	ours, theirs := stuck(t)
	a := manyAttempts(rand.New(rand.NewPCG(1, 2)), 1, 2)[0]
	a.Body = bytes.Repeat([]byte("0123456789abcdef"), 4<<20) // more than sockets take
	a.Sum = crc32.Checksum(a.Body, castagnoli)
	out := newOutbox()
	req := newTestRequest([]*Attempt{a})
	out.add(req)
	g := guard(ours, out, new(origin), -1)
	g.proven = true
	written := make(chan error, 1)
	go func() {
		_, err := g.Write(produceFrame(req, 12))
		written <- err
	}()
	require.Eventually(t, func() bool { return a.Lent.Load() == 1 }, time.Minute, time.Millisecond)
	require.True(t, a.Revoke())
	out.remove(req)
	require.True(t, req.close())
	require.EqualValues(t, 1, a.Lent.Load())
	select {
	case err := <-written:
		t.Fatalf("nobody reads, and the write has ended: %v", err)
	default:
	}

	raw := make([]byte, len(produceFrame(req, 12))-8)
	_, err := io.ReadFull(theirs, raw)
	require.NoError(t, err)
	body := make([]byte, int(uint32(raw[0])<<24|uint32(raw[1])<<16|uint32(raw[2])<<8|
		uint32(raw[3]))+4-len(raw))
	_, err = io.ReadFull(theirs, body)
	require.NoError(t, err)
	require.NoError(t, <-written)
	require.Zero(t, a.Lent.Load())
	read := kmsg.NewPtrProduceRequest()
	read.SetVersion(12)
	require.NoError(t, read.ReadFrom(body))
	var batch kmsg.RecordBatch
	require.NoError(t, batch.ReadFrom(read.Topics[0].Partitions[0].Records))
	require.True(t, bytes.Equal(a.Body, batch.Records))
}

// produceFrame returns what kgo writes for req.
func produceFrame(req *Request, version int16) []byte {
	req.SetVersion(version)
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID("test")).AppendRequest(nil, req, 1)
}

func TestGuard_AProduceRequestWhoseSenderHasGoneGoesOutEmpty(t *testing.T) {
	for version := int16(batchVersion); version <= maxProduceVersion; version++ {
		ours, theirs := stuck(t)
		req := newTestRequest(testAttempts())
		out := newOutbox()
		out.add(req)
		out.remove(req)
		g := guard(ours, out, new(origin), -1)
		g.proven = true
		b := produceFrame(req, version)
		n, err := g.Write(b)
		require.NoError(t, err)
		require.NoError(t, ours.CloseWrite())
		raw, err := io.ReadAll(theirs)
		require.NoError(t, err)
		require.Len(t, raw, n, "hooks count it")
		require.EqualValues(t, len(raw)-4, int(raw[2])<<8|int(raw[3]))
		read := kmsg.NewPtrProduceRequest()
		read.SetVersion(version)
		require.NoError(t, read.ReadFrom(raw[len(b)-8:]))
		require.Empty(t, read.Topics)
		require.EqualValues(t, -1, read.Acks, "the broker answers")
	}
}
