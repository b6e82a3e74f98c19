// Package partitioner answers one question: to which broker and partition does a batch go?
//
// A keyed record belongs to the partition that the Java client would choose for its key ([ForKey]). A batch of un-keyed
// records belongs to none until it is sent: [Pick] then takes the broker that serves the most topics with something to
// send, so that one request carries them all, and on it the partition is taken that was used longest ago.
//
// Rotation by last use, instead of a count of what was sent, is deliberate: a broker that comes back after an hour
// gets its share again at once, and no flood to make up for what it missed.
//
// # Concurrency
//
// Functions are pure.
package partitioner
