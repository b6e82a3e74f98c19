package buffer

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"time"
)

// Header is one header of a record. A nil value is null in Kafka, an empty one is empty.
type Header struct {
	Key   string
	Value []byte
}

// Record is what goes into a batch and what can be read back from it. Nil keys and values are null
// in Kafka.
type Record struct {
	Key       []byte
	Value     []byte
	Headers   []Header
	Timestamp int64 // milliseconds since 1970
	// from Send to giving up; 0: the delivery timeout. What is read back has that of its batch
	TTL  time.Duration
	Tag  uint64 // the caller's; never sent
	Call any    // the caller's; kept with the record and returned by EachCall; nil: none
}

// FramedSize returns the bytes that r takes as the first record of a batch.
func (r *Record) FramedSize() int {
	n := r.bodySize(0, 0)
	return n + varintSize(int64(n))
}

// bodySize returns the bytes of r in a batch without the length that precedes them.
func (r *Record) bodySize(timeDelta, offsetDelta int64) int {
	n := 1 + varintSize(timeDelta) + varintSize(offsetDelta) + nullableSize(r.Key) +
		nullableSize(r.Value)
	if len(r.Headers) == 0 {
		return n + 1
	}
	return n + headersSize(r.Headers)
}

func headersSize(headers []Header) int {
	n := varintSize(int64(len(headers)))
	for i := range headers {
		h := &headers[i]
		n += varintSize(int64(len(h.Key))) + len(h.Key) + nullableSize(h.Value)
	}
	return n
}

// appendTo writes r, whose bodySize is size, to dst.
func (r *Record) appendTo(dst []byte, size int, timeDelta, offsetDelta int64) []byte {
	dst = appendVarint(dst, int64(size))
	dst = append(dst, 0) // attributes: none are defined
	dst = appendVarint(dst, timeDelta)
	dst = appendVarint(dst, offsetDelta)
	dst = appendNullable(dst, r.Key)
	dst = appendNullable(dst, r.Value)
	if len(r.Headers) == 0 {
		return append(dst, 0)
	}
	return appendHeaders(dst, r.Headers)
}

func appendHeaders(dst []byte, headers []Header) []byte {
	dst = appendVarint(dst, int64(len(headers)))
	for i := range headers {
		h := &headers[i]
		dst = appendVarint(dst, int64(len(h.Key)))
		dst = append(dst, h.Key...)
		dst = appendNullable(dst, h.Value)
	}
	return dst
}

// appendNullable writes b after its length. It is small enough to be part of its caller, which is
// worth a tenth of appendTo.
func appendNullable(dst, b []byte) []byte {
	if b == nil {
		return append(dst, 1) // the varint of -1
	}
	return append(appendVarint(dst, int64(len(b))), b...)
}

// appendVarint writes the zigzag varint of v. Most have one byte or two, which is worth a path of
// its own.
func appendVarint(dst []byte, v int64) []byte {
	u := uint64(v<<1 ^ v>>63)
	switch {
	case u < 1<<7:
		return append(dst, byte(u))
	case u < 1<<14:
		return append(dst, byte(u)|0x80, byte(u>>7))
	}
	return binary.AppendUvarint(dst, u)
}

func nullableSize(b []byte) int {
	if b == nil {
		return 1
	}
	return varintSize(int64(len(b))) + len(b)
}

// varintSize returns the bytes of the zigzag varint of v.
func varintSize(v int64) int {
	return (bits.Len64(uint64(v<<1^v>>63)|1) + 6) / 7
}

var errCorrupt = errors.New("records of a batch cannot be read")

// readRecord reads the first record of src, whose keys and values point into src, and returns what
// follows it.
func readRecord(src []byte, baseTime int64) (r Record, rest []byte, err error) {
	in := reader{src: src}
	size := in.varint()
	if in.bad || size < 0 || size > int64(len(in.src)) {
		return r, nil, errCorrupt
	}
	in.src, rest = in.src[:size], in.src[size:]
	in.bytes(1)
	r.Timestamp = baseTime + in.varint()
	in.varint() // offset delta: the place in the batch says it
	r.Key = in.nullable()
	r.Value = in.nullable()
	headers := in.varint()
	if in.bad || headers < 0 || headers > int64(len(in.src)) {
		return r, nil, errCorrupt
	}
	if headers > 0 {
		r.Headers = make([]Header, headers)
	}
	for i := range r.Headers {
		r.Headers[i] = Header{Key: string(in.bytes(in.varint())), Value: in.nullable()}
	}
	if in.bad || len(in.src) > 0 {
		return r, nil, errCorrupt
	}
	return r, rest, nil
}

// reader reads fields one after the other; after the first that is not there it is bad and returns
// zeros.
type reader struct {
	src []byte
	bad bool
}

func (in *reader) varint() int64 {
	v, n := binary.Varint(in.src)
	if n <= 0 {
		in.bad = true
		return 0
	}
	in.src = in.src[n:]
	return v
}

func (in *reader) bytes(n int64) []byte {
	if in.bad || n < 0 || n > int64(len(in.src)) {
		in.bad = true
		return nil
	}
	b := in.src[:n:n]
	in.src = in.src[n:]
	return b
}

func (in *reader) nullable() []byte {
	n := in.varint()
	if n == -1 {
		return nil
	}
	return in.bytes(n)
}
