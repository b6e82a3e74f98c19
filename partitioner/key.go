package partitioner

import "encoding/binary"

// ForKey returns the partition of a key in a topic of count partitions. It agrees with the default
// partitioner of the Java client. Count must be positive. An empty key is a key.
func ForKey(key []byte, count int32) int32 {
	return int32(murmur2(key)&0x7fffffff) % count
}

// murmur2 is the 32-bit MurmurHash2 with the seed that Kafka's Java client uses.
func murmur2(data []byte) uint32 {
	const (
		seed uint32 = 0x9747b28c
		m    uint32 = 0x5bd1e995
		r           = 24
	)
	h := seed ^ uint32(len(data))
	for ; len(data) >= 4; data = data[4:] {
		k := binary.LittleEndian.Uint32(data) * m
		k ^= k >> r
		h = h*m ^ k*m
	}
	switch len(data) {
	case 3:
		h ^= uint32(data[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(data[1]) << 8
		fallthrough
	case 1:
		h ^= uint32(data[0])
		h *= m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}
