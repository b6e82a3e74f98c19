// Package cluster answers one question: what can be known of, and sent to, one Kafka cluster that
// may be away?
//
// A [Cluster] is supervised in the background: its brokers are probed while they are away, the
// metadata of the wanted topics is kept, and all of it is published as an immutable [View]. A
// [Link] is what one lane sends through: connections of its own, a producer ID of its own, and
// [Link.Produce], which sends batches as one produce request and says of each whether it was
// answered, may have been written, or was not sent.
//
// kgo is the client underneath: connections, TLS, SASL, versions and throttling. What a producer
// does above that (sequences, retries, what an error means) is not kgo's here.
//
// # Concurrency
//
// Everything is safe for concurrent use, unless it says otherwise. The state of a cluster belongs
// to one goroutine, which Start begins and Close ends and waits for; the rest send it what they
// saw.
package cluster
