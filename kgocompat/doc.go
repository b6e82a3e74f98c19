// Package kgocompat has the producing calls of franz-go's kgo.Client over a Forebay producer, so
// that a service moves over by changing its constructor:
//
//	cl, err := kgocompat.NewClient(producer.Config{Clusters: map[string]producer.ClusterConfig{
//		"events": {Brokers: brokers},
//	}}) // was: kgo.NewClient(kgo.SeedBrokers(brokers...))
//	...
//	cl.Produce(ctx, &kgo.Record{Topic: "plays", Value: event}, func(r *kgo.Record, err error) {
//		if errors.Is(err, kgo.ErrMaxBuffered) { ... }
//	})
//	err = cl.Flush(ctx)
//	cl.Close()
//
// New code calls package producer itself, whose records cost less. Keep a kgo.Client to consume,
// for transactions and for administration.
//
// # Differences from kgo
//
//	kgo.Client                          kgocompat.Client
//	Produce waits for room              never waits; the promise gets kgo.ErrMaxBuffered
//	TryProduce may wait for promises    never waits
//	an outage                           records wait for the delivery timeout of their priority
//	a missing topic fails its records   they wait for it, too
//	a context cancels waiting records   only those that were not accepted when it ended
//	ProduceSync waits for every record  waits until ctx ends at most; results in the order of rs
//	ProduceSync ends the linger         waits for it: set Batching.Linger
//	one failure fails a whole partition a record or its batch fails alone
//	a promise must not block            one that blocks delays promises and then fills the buffer
//	a promise that panics ends all      it is counted in PromisePanics
//	err == kgo.ErrMaxBuffered           errors.Is: the error has our facts as well
//	Flush returns when nothing waits    when all that was produced before it has its outcome
//	Close fails what waits              delivers it, for ten seconds at most (WithCloseTimeout)
//	Close returns before promises       after them, unless they take longer
//	Ping asks one broker                waits until all clusters answer, ten seconds at most
//	records without a key keep order    they have none; those with a key have, as with kgo
//	Key and Value until the promise     may be reused as soon as Produce returns
//	hooks for records                   none: WithInterceptor of the producer, and promises
//	a partitioner per client            WithManualPartitioner, or WithPartitioner of the producer
//	Abort..., transactions              none
//
// # What a promise gets
//
// A delivered record has its Topic, Partition, Offset and Timestamp, and the Context as kgo sets
// it. Offset is -1 if the broker only remembered that it has the record. ProducerID, ProducerEpoch
// and LeaderEpoch are -1, and Attrs is as it was: a producer does not report them. A record that
// was not delivered has an Offset of -1, and the Partition that was chosen for it, if one was.
//
// The error wraps that of the producer and, where a service may test for it, that of kgo:
//
//	kgo.ErrMaxBuffered          the buffer is full, or the record was given up for its memory
//	kgo.ErrClientClosed         the client was closed before the record was delivered
//	kgo.ErrRecordTimeout        the delivery timeout is over
//	kerr.MessageTooLarge        above Batching.MaxRecordBytes, or above what the topic takes
//	kerr.InvalidTopicException  the name of the topic is not legal
//	kerr.InvalidRecord          Kafka refused the record for what it is, without another error
//	context.Canceled,
//	context.DeadlineExceeded    a context had ended before Produce
//
// As with kgo, a record that was written and not answered in time fails with kgo.ErrRecordTimeout
// or kgo.ErrClientClosed and may be in Kafka: the text says "possibly persisted".
//
// # Contexts
//
// Once a record is accepted, no context cancels it: an event survives the request that has sent it,
// and may wait for the end of an outage. Nor does the deadline of a context become the TTL of the
// record. It might be later than the delivery timeout, and records of one partition that have TTLs
// of their own hardly share batches. Where events are worthless after a while, set
// producer.Record.TTL in an interceptor (producer.WithInterceptor).
//
// # Refused records
//
// Their promises wait in a queue without a bound: Produce neither waits for promises nor forgets
// one. A promise that never returns therefore keeps all records that are refused after it.
// BufferedProduceRecords counts them. A program that relied on Produce to wait while the buffer is
// full must wait itself: for instance with Flush, when a promise got kgo.ErrMaxBuffered.
//
// # Concurrency
//
// A Client is safe for concurrent use. One promise runs at a time, on a goroutine of the Client or
// that of the producer's callbacks. A promise may call every method, but ProduceSync sends nothing
// there. Flush and Close wait for no promise when a promise calls them. A promise must not call
// Close of the producer, which would wait for it.
package kgocompat
