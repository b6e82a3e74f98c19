package partitioner_test

import (
	"fmt"
	"hash/fnv"

	"github.com/forebay-go/forebay/partitioner"
)

// A key has the partition that the Java client gives it.
func ExampleForKey() {
	for _, key := range []string{"alice", "bob", "carol"} {
		fmt.Println(key, partitioner.ForKey([]byte(key), 12))
	}
	// Output:
	// alice 9
	// bob 6
	// carol 2
}

// FNV gives keys the partitions that sarama's NewHashPartitioner and kafka-go's Hash give them. A
// service that moves from one of these keeps its keys where they are.
type FNV struct{ partitioner.Sticky }

// ForKey hashes with FNV-1a and takes the absolute value of the remainder, as those do.
func (FNV) ForKey(_ string, key []byte, partitions int32) int32 {
	h := fnv.New32a()
	h.Write(key)
	p := int32(h.Sum32()) % partitions
	return max(p, -p)
}

// A partitioner of your own embeds Sticky and replaces what it does differently. Give it to
// producer.WithPartitioner.
func ExamplePartitioner() {
	var p partitioner.Partitioner = FNV{}
	for _, key := range []string{"alice", "bob", "carol"} {
		fmt.Println(key, p.ForKey("plays", []byte(key), 12))
	}
	fmt.Println(p.ForBatch("plays", 7, []int32{0, 1, 2}, 3) == partitioner.Any)
	// Output:
	// alice 5
	// bob 8
	// carol 2
	// true
}

// RoundRobin gives batches without keys to the partitions in turn. It leaves out those that cannot
// be written to: here partition 1 has no leader.
func ExampleRoundRobin() {
	var p partitioner.RoundRobin
	for n := range uint64(4) {
		fmt.Println(p.ForBatch("plays", n, []int32{0, 2, 3}, 4))
	}
	// Output:
	// 0
	// 2
	// 3
	// 0
}
