//go:build unix

package kafkatest

import (
	"crypto/rand"
	"encoding/base64"
)

// newUUID returns a random id as Kafka writes ids: 16 bytes in base64. Kafka refuses those that
// begin with a dash, which its own tools would read as a flag.
func newUUID() string {
	for {
		var id [16]byte
		_, _ = rand.Read(id[:]) // never fails
		id[6] = id[6]&0x0f | 0x40
		id[8] = id[8]&0x3f | 0x80
		if s := base64.RawURLEncoding.EncodeToString(id[:]); s[0] != '-' {
			return s
		}
	}
}
