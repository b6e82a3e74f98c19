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
	var text [32]byte
	hex.Encode(text[:], id[:])
	dst = append(append(dst, text[:8]...), '-')
	dst = append(append(dst, text[8:12]...), '-')
	dst = append(append(dst, text[12:16]...), '-')
	dst = append(append(dst, text[16:20]...), '-')
	return append(dst, text[20:]...)
}
