// Package buffer answers one question: where does a record wait until Kafka has it?
//
// In a [Batch]: [Topic.Append] writes the record in Kafka's own wire format (RecordBatch v2) into
// the open batch of its topic, and from then on nothing handles single records. A [Lane] holds the
// topics of one priority, a [Budget] bounds the bytes that all lanes hold together.
//
//	lane := buffer.NewLane(buffer.Config{...}, budget, pool)
//	topic, err := lane.Topic("events", mono)
//	err = topic.Append(&buffer.Record{Value: v}, mono)   // by any goroutine
//	b := topic.Take(...)                                 // by the one that dispatches
//	topic.Resolve(b, delivery.Delivered, delivery.None, false)      // once
//
// # When full
//
// Append refuses with [ErrFull] and keeps nothing of the record. It never waits for room. Who wants
// the record all the same has other batches given up: [Lane.TakeOldest] finds the one that has
// waited longest, [Topic.Resolve] ends it. Whose batches those may be is said by the guarantees of
// the classes in the [Budget].
//
// # Accounting
//
// The budget counts capacities, not lengths: what a batch holds, not what is in it. A topic counts
// its pending records from the batches that it holds, under the same lock under which its other
// counters change, so that its [delivery.Books] balance at every instant.
//
// # Concurrency
//
// Append is called by any number of goroutines, Take and Requeue by one, TakeOldest by any, Resolve
// by one for each batch. A lock is held for an append or for the change of a list, never across
// I/O, compression, a callback or logging.
package buffer
