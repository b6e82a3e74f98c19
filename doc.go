// Package forebay sends events to Kafka and never makes the program that has them wait. It holds no code of its own: this
// is the map of the folders.
//
//	producer/     the front door: New, Send, Flush, Close, delivery reports, the books
//	routing/      which cluster: priorities and the rules that give them to topics
//	buffer/       where a record waits: batches in Kafka's wire format, one budget, the queues of a lane
//	partitioner/  which broker and partition: by key as the Java client does, else wherever one is free
//	cmd/forebay/  the command line: forebay produce
//	examples/     small programs, one question each; start with examples/quickstart
//	internal/     a supervised Kafka cluster, the clock, and what tests need: real brokers, links that can be cut, a ledger
//
// The benchmarks beside this file measure the figures that the README quotes, next to franz-go in the same run: make bench.
//
// A program imports producer, and perhaps routing; producer imports the others, and none of them imports producer.
package forebay
