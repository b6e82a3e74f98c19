// Package partitioner answers one question: to which partition does a record or a batch go?
//
// A keyed record goes to the partition that the Java client would choose for its key ([ForKey]). A
// batch of un-keyed records has no partition until it is sent. The producer then chooses the broker
// whose partitions have waited longest, so that one request serves many topics. On it, it chooses
// the least recently used partition of each topic. To choose otherwise, give a [Partitioner] of
// your own to producer.WithPartitioner.
//
// The choice by last use, instead of a count of records sent, is deliberate. A broker that comes
// back after an hour gets its share again at once, but no flood to make up for what it missed.
//
// # Concurrency
//
// Functions are pure.
package partitioner
