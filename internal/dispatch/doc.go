// Package dispatch is the engine of a producer: it takes batches out of the buffer, gives each a
// partition and numbers, sends it to the leader, and decides what the answer means.
//
// An [Engine] holds what all lanes share. A [Lane] is one priority: the buffer in which its records
// wait, the clusters that it may use, and one dispatcher for each of them. A dispatcher is a loop
// on a goroutine of its own; requests run on others, which also wait for the answer.
//
// The engine sees its producer through one interface, [Host]. It knows nothing of configuration
// files, options, callbacks or the delivery reports of single records.
//
// # The way of a batch
//
//	Lane.Buffer        a batch waits             buffer.Topic
//	pick.go            which broker is next      fill.go   which batches go with it
//	numbering.go       the batch gets numbers    shipment.go   the request travels
//	answer.go          what the answer means     retry.go, split.go   what follows from an error
//	outcome.go         the batch has an outcome  Host.Report
//
// # Concurrency
//
// Everything that a dispatcher knows belongs to its goroutine, unless a comment says otherwise. Two
// locks are held for moments only: that of a Lane while topics change hands, and that of a
// dispatcher where answers arrive. Neither is held across I/O.
package dispatch
