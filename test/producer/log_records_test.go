package producer_test

import (
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kgo"
)

// perPartition returns the records of each partition in their order.
func perPartition(log []*kgo.Record) map[int32][]*kgo.Record {
	parts := make(map[int32][]*kgo.Record)
	for _, r := range log {
		parts[r.Partition] = append(parts[r.Partition], r)
	}
	return parts
}

// tagOf returns the tag under which the ledger sent r.
func tagOf(r *kgo.Record) uint64 { return binary.BigEndian.Uint64(r.Value) }
