package cluster

import (
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"
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
	// The bytes after the header of the batch. A write that has begun may read them after Produce
	// and Revoke have returned.
	Body     []byte
	Sum      uint32        // CRC-32C of Body
	Lent     *atomic.Int32 // counts the writes that read Body now
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

// Revoke ends the attempt for its caller, before or during Produce. Once it returns, no write that
// reads the body begins, and Lent tells of one that has begun. Revoke does not wait for that. It
// reports whether the batch was or may have been written.
func (a *Attempt) Revoke() (written bool) {
	a.req.mu.Lock()
	defer a.req.mu.Unlock()
	a.revoked = true
	return a.req.written && !a.untaken
}

// Request is a produce request. kgo accepts any kmsg.Request, and takes from this one a number that
// stands for its contents. The connection puts the contents in their place when kgo writes it, so
// that kgo makes no copy of the batches. The embedded request provides all but the encoding.
type Request struct {
	kmsg.ProduceRequest
	Way      Way
	Patience time.Duration // how long Produce waits for the answer

	attempts []*Attempt // those of a topic are adjacent
	number   uint64     // in the outbox

	mu      sync.Mutex // guards what follows
	written bool       // the write of a batch has begun
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

// compactVersion is the first version in the compact form of KIP-482.
const compactVersion = 9

// batchVersion is the first version with record batches, which brought headers and sequences (Kafka
// 0.11).
const batchVersion = 3

// takes reports whether a broker that supports version knows a compression.
func takes(version int16, codec int8) bool { return codec < 4 || version >= zstdVersion }

// AppendTo encodes the number that stands for the request.
func (r *Request) AppendTo(dst []byte) []byte {
	return binary.BigEndian.AppendUint64(dst, r.number)
}

// lend encodes the request for a version (3 to 12) after head, which is the header of the request,
// and begins to read its batches: release ends that. After close, and for a broker without record
// batches, it encodes a request without batches, which is valid and does nothing. It omits batches
// in a compression that the broker does not know.
func (r *Request) lend(head []byte, version int16, apart bool) *frame {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := newFrame(version >= compactVersion, apart)
	if !r.closed && version >= batchVersion {
		for _, a := range r.attempts {
			if a.untaken = !takes(version, a.Codec); !a.untaken && !a.revoked {
				f.lend(a)
			}
		}
		r.written = r.written || len(f.lent) > 0
	}
	f.dst = append(slices.Grow(f.dst, f.estimate()), head...)
	if version >= batchVersion {
		f.nullString() // transactional ID
	}
	f.int16(r.Acks)
	f.int32(r.TimeoutMillis)
	f.attempts()
	f.tags()
	binary.BigEndian.PutUint32(f.dst, uint32(f.size()-4))
	return f
}
