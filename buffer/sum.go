package buffer

import "hash/crc32"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sumPiece is how many bytes of a batch are summed at a time. They are then still in the cache of
// the processor that has written them; those of a full batch are not.
const sumPiece = 16 << 10

// sum is the CRC-32C of the first bytes of a body.
type sum struct {
	crc uint32
	of  int // how many
}

// extend takes the rest of body into the sum.
func (s *sum) extend(body []byte) {
	s.crc = crc32.Update(s.crc, castagnoli, body[s.of:])
	s.of = len(body)
}

// Sum returns the CRC-32C of Body. Only the goroutine that took b may call it.
func (b *Batch) Sum() uint32 {
	b.sum.extend(b.body)
	return b.sum.crc
}
