// Package filler makes the values of test records.
package filler

import "strconv"

// Fill makes a value that looks like a line: its number, and then words that differ from record to
// record, which a codec makes half as long.
func Fill(value []byte, i uint64) {
	const letters = "abcdefghijklmnop"
	b := strconv.AppendUint(value[:0:len(value)], i, 10)
	for x := i*0x9e3779b97f4a7c15 + 1; len(b) < len(value); x ^= x << 13 {
		x ^= x >> 7
		x ^= x << 17
		for shift := 0; shift < 64 && len(b) < len(value); shift += 8 {
			b = append(b, letters[x>>shift&15])
		}
	}
}
