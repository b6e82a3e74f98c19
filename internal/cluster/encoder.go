package cluster

import "encoding/binary"

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
