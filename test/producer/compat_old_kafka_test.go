//go:build unix && compat

package producer_test

import "testing"

// Kafka before 3.3 comes with ZooKeeper; zstd is known from 2.1 on.
func TestKafka_Compat_OlderVersionsTakeEveryCodec(t *testing.T) {
	for _, version := range []string{"1.1.1", "2.0.1", "2.3.1", "3.9.2", "4.1.0"} {
		t.Run(version, func(t *testing.T) { compat(t, version) })
	}
}
