package audit

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/forebay-go/forebay/producer"
)

// HeaderKey is the key of the header that makes a record an audited one.
const HeaderKey = "forebay-audit"

// HeaderBytes is the length of the header's value.
const HeaderBytes = 38

// headerRoom is at least as much as the header takes in a record.
const headerRoom = len(HeaderKey) + HeaderBytes + 16

const headerVersion = 1

// sequences is above every sequence number. No sum of some overflows then.
const sequences = 1 << 62

// Stream is one numbered sequence of records: those that one start of an instance sends to one
// topic. The numbers of a stream begin at 0 and have no gaps.
type Stream struct {
	Instance InstanceID
	Run      uint64 // of a start of the instance; no two starts have the same
	Topic    string
}

// InstanceID is a hash of the name of an instance.
type InstanceID uint64

// IDOf returns the ID of the instance that is called name.
func IDOf(name string) InstanceID {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return InstanceID(h.Sum64())
}

// Header is what the header of an audited record says.
type Header struct {
	Instance InstanceID
	Run      uint64
	Sequence uint64
	Bucket   Bucket

	// Intended is when the record was to be sent, by the clock of the instance, to the nanosecond.
	Intended time.Time

	// Ordered is set if one goroutine sends all records with the record's key to its topic, so that
	// their sequences increase in each partition.
	Ordered bool
}

// The layout of a header's value, big endian: version (1 byte), flags (1), bucket (4), instance
// (8), run (8), sequence (8), intended time (8, nanoseconds since 1970).
const flagOrdered = 1

// AppendTo appends the value of the header to b.
func (h *Header) AppendTo(b []byte) []byte {
	var v encoded
	v.begin(h.Instance, h.Run)
	v.end(h.Ordered, h.Bucket, h.Sequence, h.Intended.UnixNano())
	return append(b, v[:]...)
}

// encoded is the value of a header. Sources write it where the record has it: to make a Header
// first takes a tenth of what a record costs.
type encoded [HeaderBytes]byte

// begin writes what the headers of a run have in common.
func (v *encoded) begin(instance InstanceID, run uint64) {
	v[0] = headerVersion
	binary.BigEndian.PutUint64(v[6:], uint64(instance))
	binary.BigEndian.PutUint64(v[14:], run)
}

// end writes the rest; intended is in nanoseconds since 1970.
func (v *encoded) end(ordered bool, bucket Bucket, sequence uint64, intended int64) {
	v[1] = 0
	if ordered {
		v[1] = flagOrdered
	}
	binary.BigEndian.PutUint32(v[2:], uint32(bucket))
	binary.BigEndian.PutUint64(v[22:], sequence)
	binary.BigEndian.PutUint64(v[30:], uint64(intended))
}

// errHeader reports a header that another version of this package, or somebody else, has written.
var errHeader = errors.New("not a header of this version of package audit")

// ParseHeader reads the value of a header.
func ParseHeader(b []byte) (h Header, err error) {
	switch {
	case len(b) == 0:
		return h, fmt.Errorf("%w: it is empty", errHeader)
	case b[0] != headerVersion:
		return h, fmt.Errorf("%w: its version is %d, not %d", errHeader, b[0], headerVersion)
	case len(b) < HeaderBytes:
		return h, fmt.Errorf("%w: it has %d bytes, not %d", errHeader, len(b), HeaderBytes)
	}
	h.Ordered = b[1]&flagOrdered != 0
	h.Bucket = Bucket(binary.BigEndian.Uint32(b[2:]))
	h.Instance = InstanceID(binary.BigEndian.Uint64(b[6:]))
	h.Run = binary.BigEndian.Uint64(b[14:])
	h.Sequence = binary.BigEndian.Uint64(b[22:])
	if h.Sequence >= sequences {
		return h, fmt.Errorf("%w: sequence %d is out of range", errHeader, h.Sequence)
	}
	h.Intended = time.Unix(0, int64(binary.BigEndian.Uint64(b[30:])))
	return h, nil
}

// withoutHeader returns headers without the last audit header, in place. One before it is the
// application's own: it has passed on what it got.
func withoutHeader(headers []producer.Header) []producer.Header {
	for i := len(headers) - 1; i >= 0; i-- {
		if headers[i].Key == HeaderKey {
			return slices.Delete(headers, i, i+1)
		}
	}
	return headers
}
