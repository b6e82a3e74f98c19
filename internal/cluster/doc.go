// Package cluster answers one question: what is known about one Kafka cluster that may be away,
// and how are batches sent to it?
//
// A [Cluster] is supervised in the background. Its brokers are probed while they are away, and the
// metadata of the wanted topics is kept. Both are published as an immutable [View]. One lane sends
// through a [Link], which has its own producer IDs. It shares connections with other lanes, or has
// its own: see [Way]. [Link.Produce] sends batches as one produce request, and reports for each
// batch whether it was answered, may have been written, or was not sent.
//
// kgo is the client underneath. It does connections, TLS, SASL, versions and throttling. Sequences,
// retries and the meaning of errors are not left to kgo.
//
// # Concurrency
//
// Everything is safe for concurrent use, unless its comment says otherwise. The state of a cluster
// belongs to one goroutine. Start begins it; Close ends it and waits for it. Other goroutines send
// it what they observe.
package cluster
