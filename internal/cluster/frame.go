package cluster

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"net"
	"sync"
)

// frame is a produce request as it goes on the wire. It reads the bodies of its batches until it is
// released.
type frame struct {
	encoder            // all but the bodies that stay where they are
	lent    []*Attempt // those whose bodies it reads
	apart   bool       // large bodies stay where they are
	cuts    []cut
	away    int         // bytes of them
	pieces  net.Buffers // of write
}

// cut is a body that stays where it is, and its place in the encoded bytes.
type cut struct {
	at   int
	body []byte
}

// apartLeast is the size of a body that is worth a piece of its own in a write. To copy a smaller
// one is cheaper.
const apartLeast = 8 << 10

var frames = sync.Pool{New: func() any { return new(frame) }}

func newFrame(flexible, apart bool) *frame {
	f := frames.Get().(*frame)
	f.flexible, f.apart = flexible, apart
	return f
}

// lend has f read the body of a.
func (f *frame) lend(a *Attempt) {
	a.Lent.Add(1)
	f.lent = append(f.lent, a)
}

// release ends the reading. F must not be used any more.
func (f *frame) release() {
	for _, a := range f.lent {
		a.Lent.Add(-1)
	}
	clear(f.lent)
	clear(f.cuts)
	clear(f.pieces[:cap(f.pieces)])
	*f = frame{encoder: encoder{dst: f.dst[:0]}, lent: f.lent[:0], cuts: f.cuts[:0],
		pieces: f.pieces[:0]}
	frames.Put(f)
}

// size returns the bytes of f on the wire.
func (f *frame) size() int { return len(f.dst) + f.away }

// write writes f. It writes bodies that are apart to TCP from where they are.
func (f *frame) write(to io.Writer) (n int64, err error) {
	if len(f.cuts) == 0 {
		n, err := to.Write(f.dst)
		return int64(n), err
	}
	at := 0
	for _, c := range f.cuts {
		f.pieces = append(f.pieces, f.dst[at:c.at], c.body)
		at = c.at
	}
	f.pieces = append(f.pieces, f.dst[at:])
	left := f.pieces // WriteTo changes it
	return left.WriteTo(to)
}

// estimate returns about how many bytes f takes beside the bodies that stay where they are.
func (f *frame) estimate() int {
	n := 128
	for _, a := range f.lent {
		n += len(a.Topic) + batchHeader + 32
		if !f.isApart(a.Body) {
			n += len(a.Body)
		}
	}
	return n
}

// attempts encodes the topics and batches.
func (f *frame) attempts() {
	f.length(topicsIn(f.lent))
	for i := 0; i < len(f.lent); {
		n := sameTopic(f.lent[i:])
		f.string(f.lent[i].Topic)
		f.length(n)
		for _, a := range f.lent[i : i+n] {
			f.int32(a.Partition)
			f.batch(a)
			f.tags()
		}
		f.tags()
		i += n
	}
}

// topicsIn counts the topics of attempts.
func topicsIn(attempts []*Attempt) (n int) {
	for i := 0; i < len(attempts); n++ {
		i += sameTopic(attempts[i:])
	}
	return n
}

// sameTopic counts the attempts at the start of the list that share its first topic.
func sameTopic(attempts []*Attempt) int {
	n := 1
	for n < len(attempts) && attempts[n].Topic == attempts[0].Topic {
		n++
	}
	return n
}

// batchHeader is the size of a RecordBatch's header.
const batchHeader = 61

// batch encodes a RecordBatch v2 as bytes: the header of this attempt, then the body that all
// attempts share.
func (f *frame) batch(a *Attempt) {
	f.length(batchHeader + len(a.Body))
	start := len(f.dst)
	f.int64(0)                                     // base offset: set by the broker
	f.int32(int32(batchHeader - 12 + len(a.Body))) // bytes that follow
	f.int32(-1)                                    // partition leader epoch
	f.dst = append(f.dst, 2)                       // magic
	f.int32(0)                                     // CRC, below
	// attributes: compression; create time; not transactional
	f.int16(int16(a.Codec))
	f.int32(int32(a.Records - 1))
	f.int64(a.BaseTime)
	f.int64(a.MaxTime)
	f.int64(a.Sequence.ID)
	f.int16(a.Sequence.Epoch)
	f.int32(a.Sequence.Next)
	f.int32(int32(a.Records))
	head := crc32.Checksum(f.dst[start+21:], castagnoli) // from the attributes on
	binary.BigEndian.PutUint32(f.dst[start+17:], joined(head, a.Sum, len(a.Body)))
	f.body(a.Body)
}

func (f *frame) isApart(body []byte) bool { return f.apart && len(body) >= apartLeast }

func (f *frame) body(body []byte) {
	if !f.isApart(body) {
		f.dst = append(f.dst, body...)
		return
	}
	f.cuts = append(f.cuts, cut{len(f.dst), body})
	f.away += len(body)
}
