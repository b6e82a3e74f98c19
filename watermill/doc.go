// Package watermill publishes Watermill's messages through a Forebay producer: it is a
// message.Publisher whose Publish does not wait for Kafka.
//
//	p, err := producer.New(cfg)
//	...
//	var publisher message.Publisher = watermill.NewPublisher(p)
//	err = publisher.Publish("plays", message.NewMessage(uuid.NewString(), payload))
//	err = publisher.Close()
//
// Records are those of watermill-kafka's DefaultMarshaler: its subscriber reads them.
//
// # What nil means
//
// Publish returns nil when the producer has accepted the messages, before Kafka has them. If the
// buffer is full, in a long outage, it returns an error that wraps producer.ErrBufferFull.
// Watermill's router then nacks the message that it handles, so that it comes again. What becomes
// of accepted messages is in Stats of the producer, and in the callback of producer.WithDelivery.
//
// The publisher of watermill-kafka waits for Kafka. A router that reads from a queue relies on
// that: it acknowledges a message when what its handler returned is published. If the process dies
// then, accepted messages without an outcome are lost. WithWait has Publish wait, too.
//
// # Order
//
// Messages without a key have no order. WithPartitionKey gives them keys, as
// NewWithPartitioningMarshaler of watermill-kafka does:
//
//	watermill.NewPublisher(p, watermill.WithPartitionKey(watermill.KeyFromMetadata("user")))
//
// A key goes to the partition that the Java client chooses. That of sarama, which watermill-kafka
// uses, is another one: docs/migrating.md has a partitioner that keeps it. With WithWait, messages
// that one goroutine publishes keep their order in a topic with one partition, even without keys.
//
// # Concurrency
//
// A Publisher is safe for concurrent use. A callback of the producer may call Publish, but neither
// Close nor, with WithWait, Publish of a Publisher whose outcomes it would have to report.
package watermill
