// Package partitioner answers one question: to which broker and partition does a batch go?
//
// A keyed record belongs to the partition that the Java client would choose for its key ([ForKey]).
// A batch of un-keyed records belongs to none until it is sent: [Pick] then takes the broker whose
// partitions have waited longest for what is there, so that one request serves many topics, and on
// it the partition of each topic is taken that was used longest ago. Another [Partitioner] can be
// given to producer.WithPartitioner.
//
// Rotation by last use, instead of a count of what was sent, is deliberate: a broker that comes
// back after an hour gets its share again at once, and no flood to make up for what it missed.
//
// # Concurrency
//
// Functions are pure.
package partitioner
