package cluster

import "hash/crc32"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// joined returns the CRC-32C of two sequences of bytes, one after the other, from that of each and
// the length of the second. A CRC is the remainder of a polynomial, and to append n bytes is to
// multiply that by x^8n.
func joined(first, second uint32, n int) uint32 {
	return times(first, power(n)) ^ second
}

// The highest bit of a remainder is the coefficient of x^0.
const one = 1 << 31

// times multiplies two remainders.
func times(a, b uint32) (product uint32) {
	for bit := uint32(one); a != 0; bit >>= 1 {
		if a&bit != 0 {
			product ^= b
			a &^= bit
		}
		b = b>>1 ^ crc32.Castagnoli&-(b&1)
	}
	return product
}

// power returns x^8n.
func power(n int) uint32 {
	p := uint32(one)
	for i := 0; n > 0; i++ {
		if n&1 != 0 {
			p = times(p, powers[i])
		}
		n >>= 1
	}
	return p
}

// powers are x^8, x^16, x^32 and so on, as far as the length of a request goes.
var powers = func() (p [31]uint32) {
	p[0] = one >> 8
	for i := 1; i < len(p); i++ {
		p[i] = times(p[i-1], p[i-1])
	}
	return p
}()
