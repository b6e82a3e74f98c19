package client

import "encoding/binary"

// Numbered writes the number of a record into its value, which has at least 8 bytes.
func Numbered(value []byte, seq uint64) { binary.BigEndian.PutUint64(value, seq) }

// Number returns the number in a value.
func Number(value []byte) uint64 {
	if len(value) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(value)
}
