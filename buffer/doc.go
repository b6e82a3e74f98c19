// Package buffer answers one question: where does a record wait until Kafka has it?
//
// In a [Batch]. [Topic.Append] writes the record in Kafka's own wire format (RecordBatch v2) into
// the open batch of its topic. From then on nothing handles single records. A [Lane] holds the
// topics of one priority; a [Budget] bounds the bytes that all lanes hold together.
//
// The package is part of the engine and carries no promise of compatibility.
//
//	lane := buffer.NewLane(buffer.Config{...}, budget, pool)
//	topic, err := lane.Topic("events", mono)
//	err = topic.Append(&buffer.Record{Value: v}, mono)   // by any goroutine
//	b := topic.Take(...)                                 // by the one that dispatches
//	topic.Resolve(b, delivery.Delivered, delivery.None, false) // once
//
// # When full
//
// Append returns [ErrFull] and keeps nothing of the record. It never waits for room. To make room,
// a caller gives up other batches: [Lane.TakeOldest] takes the batch that has waited longest, and
// [Topic.Resolve] ends it. The guarantees of the classes in the [Budget] decide which lanes must
// give up batches.
//
// # Accounting
//
// The budget counts capacities of buffers, not their lengths. A topic counts its pending records
// from the batches that it holds, under the lock that guards its other counters. So its
// [delivery.Books] balance at every instant.
//
// # Concurrency
//
// Any number of goroutines may call Append and TakeOldest. One calls Take and Requeue. One calls
// Resolve for each batch. A lock is held for an append or for the change of a list, never across
// I/O, compression, a callback or logging.
package buffer
