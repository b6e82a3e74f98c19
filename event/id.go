package event

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"time"
)

// appendID appends a new UUID of version 7 (RFC 9562): the time in milliseconds and 74 random bits.
// IDs of one batch begin alike, which compresses well, and rise, which suits the indexes of tables
// that remember them. The random numbers take no lock.
func appendID(dst []byte, now time.Time) []byte {
	var id [16]byte
	low := rand.Uint64()
	high := rand.Uint32() & 0xfff
	binary.BigEndian.PutUint64(id[:8], uint64(now.UnixMilli())<<16|0x7000|uint64(high))
	binary.BigEndian.PutUint64(id[8:], low&(1<<62-1)|1<<63)
	for i, end := range [...]int{4, 6, 8, 10, 16} {
		from := [...]int{0, 4, 6, 8, 10}[i]
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, id[from:end])
	}
	return dst
}
