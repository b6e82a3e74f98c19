// Package watermill runs Watermill's own tests of a Pub/Sub against the publisher of package
// watermill, on real Kafka. The subscriber is a small one on franz-go, whose messages are those of
// watermill-kafka.
//
// Those that need an order (PublishSubscribeInOrder and NoAck) run with keys: a producer promises
// none without. One is skipped, because it restarts the broker by a command of its own (Reconnect);
// TestKafka_PublishOutlivesARestart stands for it. All run in their short form.
package watermill
