package cluster

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxProduceVersion is the last version of the produce request that names topics by name. From 13
// on it has only topic IDs. A topic that is deleted and created again gets a new ID, but keeps its
// name.
const maxProduceVersion = 12

// Attempt is one try to write a batch to one partition. The caller sets the fields up to Sequence,
// and must not change them before Produce returns. Answer is valid from then on.
type Attempt struct {
	Topic     string
	Partition int32
	// the bytes after the header of the batch; not read after Produce or Revoke has returned
	Body     []byte
	Codec    int8
	Records  int
	BaseTime int64 // milliseconds since 1970
	MaxTime  int64
	Sequence Sequence

	Answer

	req     *Request
	revoked bool // guarded by req.mu
	// guarded by req.mu: the broker does not know the compression, so it was not written
	untaken bool
}

// Revoke ends the attempt for its caller, before or during Produce. The body is not read any more
// once Revoke returns. It reports whether the batch was or may have been written.
func (a *Attempt) Revoke() (written bool) {
	a.req.mu.Lock()
	defer a.req.mu.Unlock()
	a.revoked = true
	return a.req.written && !a.untaken
}

// Request is a produce request that encodes its batches straight into the buffer of kgo, when kgo
// is about to write it. kgo accepts any kmsg.Request. The embedded one provides all but the
// encoding.
type Request struct {
	kmsg.ProduceRequest
	// Aside sends it on a separate connection, because the answer may take long.
	Aside    bool
	Patience time.Duration // how long Produce waits for the answer

	attempts []*Attempt // those of a topic are adjacent

	mu      sync.Mutex // guards what follows
	written bool       // AppendTo has encoded a batch, which may be on its way
	closed  bool       // Produce has returned; the batches must not be read
}

// MaxVersion caps the version that kgo negotiates.
func (*Request) MaxVersion() int16 { return maxProduceVersion }

// close ends the request for Produce. It reports whether it was or may have been written.
func (r *Request) close() (written bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	return r.written
}

// zstdVersion is the first version of the produce request with zstd (Kafka 2.1). Older brokers
// answer it with UNKNOWN_SERVER_ERROR. All other compressions are older than record batches.
const zstdVersion = 7

// batchVersion is the first version with record batches, which brought headers and sequences (Kafka
// 0.11).
const batchVersion = 3

// takes reports whether a broker that supports version knows a compression.
func takes(version int16, codec int8) bool { return codec < 4 || version >= zstdVersion }

// AppendTo encodes the request for its version (3 to 12). kgo calls it when the connection is open,
// and again if nothing could be written. After close, and for a broker without record batches, it
// encodes a request without batches, which is valid and does nothing. It omits batches in a
// compression that the broker does not know.
func (r *Request) AppendTo(dst []byte) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	var live []*Attempt
	if !r.closed && r.Version >= batchVersion {
		for _, a := range r.attempts {
			if a.untaken = !takes(r.Version, a.Codec); !a.untaken && !a.revoked {
				live = append(live, a)
			}
		}
		r.written = r.written || len(live) > 0
	}
	e := encoder{dst: slices.Grow(dst, sizeOf(live)), flexible: r.Version >= 9}
	if r.Version >= batchVersion {
		e.nullString() // transactional ID
	}
	e.int16(r.Acks)
	e.int32(r.TimeoutMillis)
	e.length(topicsIn(live))
	for i := 0; i < len(live); {
		n := sameTopic(live[i:])
		e.string(live[i].Topic)
		e.length(n)
		for _, a := range live[i : i+n] {
			e.int32(a.Partition)
			e.batch(a)
			e.tags()
		}
		e.tags()
		i += n
	}
	e.tags()
	return e.dst
}

// sizeOf estimates the bytes of attempts, so that one allocation is enough for them.
func sizeOf(attempts []*Attempt) int {
	n := 64
	for _, a := range attempts {
		n += len(a.Topic) + len(a.Body) + batchHeader + 32
	}
	return n
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

// encoder writes the types of Kafka's protocol. If flexible is set, it uses the compact form of
// KIP-482.
type encoder struct {
	dst      []byte
	flexible bool
}

func (e *encoder) int16(v int16) { e.dst = binary.BigEndian.AppendUint16(e.dst, uint16(v)) }
func (e *encoder) int32(v int32) { e.dst = binary.BigEndian.AppendUint32(e.dst, uint32(v)) }
func (e *encoder) int64(v int64) { e.dst = binary.BigEndian.AppendUint64(e.dst, uint64(v)) }

// length writes the length of an array or of bytes.
func (e *encoder) length(n int) {
	if e.flexible {
		e.dst = binary.AppendUvarint(e.dst, uint64(n)+1)
	} else {
		e.int32(int32(n))
	}
}

func (e *encoder) string(s string) {
	if e.flexible {
		e.length(len(s))
	} else {
		e.int16(int16(len(s)))
	}
	e.dst = append(e.dst, s...)
}

func (e *encoder) nullString() {
	if e.flexible {
		e.dst = append(e.dst, 0)
	} else {
		e.int16(-1)
	}
}

// tags ends a structure: there are no tagged fields.
func (e *encoder) tags() {
	if e.flexible {
		e.dst = append(e.dst, 0)
	}
}

// batchHeader is the size of a RecordBatch's header.
const batchHeader = 61

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// batch writes a RecordBatch v2 as bytes: the header of this attempt, then the body that all
// attempts share.
func (e *encoder) batch(a *Attempt) {
	e.length(batchHeader + len(a.Body))
	start := len(e.dst)
	e.int64(0)                                     // base offset: set by the broker
	e.int32(int32(batchHeader - 12 + len(a.Body))) // bytes that follow
	e.int32(-1)                                    // partition leader epoch
	e.dst = append(e.dst, 2)                       // magic
	e.int32(0)                                     // CRC, below
	// attributes: compression; create time; not transactional
	e.int16(int16(a.Codec))
	e.int32(int32(a.Records - 1))
	e.int64(a.BaseTime)
	e.int64(a.MaxTime)
	e.int64(a.Sequence.ID)
	e.int16(a.Sequence.Epoch)
	e.int32(a.Sequence.Next)
	e.int32(int32(a.Records))
	e.dst = append(e.dst, a.Body...)
	crc := crc32.Checksum(e.dst[start+21:], castagnoli) // from the attributes to the end
	binary.BigEndian.PutUint32(e.dst[start+17:], crc)
}
