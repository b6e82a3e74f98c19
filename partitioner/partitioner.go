package partitioner

// Any is no choice of a partition: whichever is free first.
const Any int32 = -1

// Partitioner chooses partitions: for a record with a key when it is sent, for a batch of records
// without keys when its turn has come. Both methods are pure: for the same arguments they return
// the same partition, and keep nothing. They may be called from any goroutine, ForKey while Send
// holds a lock: they must return at once, and call nothing of the producer.
type Partitioner interface {
	// ForKey returns the partition, from 0 to partitions-1, of a record of topic that has a key,
	// which must not be changed or kept.
	ForKey(topic string, key []byte, partitions int32) int32

	// ForBatch returns the partition of the n-th batch of topic, or Any. Each priority and cluster
	// that sends it counts by itself, from any number on, and a batch that is sent again once more.
	// It is asked again, with the same n, until a batch has been sent. Well are the numbers of
	// those partitions that can be written to now, rising, never none of them: the batch waits
	// while it is given to another. A choice keeps batches waiting that could go elsewhere, so Any
	// is best wherever it does not matter.
	ForBatch(topic string, n uint64, well []int32, partitions int32) int32
}

// Sticky is the partitioner of those who ask for no other: keys as with the Java client, and a
// batch without keys goes where a broker is free, and there to the partition that was used longest
// ago.
type Sticky struct{}

// ForKey returns ForKey(key, partitions).
func (Sticky) ForKey(_ string, key []byte, partitions int32) int32 {
	return ForKey(key, partitions)
}

// ForBatch returns Any.
func (Sticky) ForBatch(string, uint64, []int32, int32) int32 { return Any }

// RoundRobin gives batches without keys to the partitions in turn, those that cannot be written to
// left out: an equal number to each, and all wait for the one whose turn it is. Keys are as with
// Sticky.
type RoundRobin struct{ Sticky }

// ForBatch returns the n-th of well, in turn.
func (RoundRobin) ForBatch(_ string, n uint64, well []int32, _ int32) int32 {
	return well[n%uint64(len(well))]
}
