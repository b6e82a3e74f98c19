// Package forebay sends events to Kafka and never makes the program that has them wait. It holds no
// code of its own: this is the map of the folders.
//
//	producer/     the front door: New, Send, Flush, Close, delivery reports, the books
//	routing/      which cluster: priorities and the rules that give them to topics
//	buffer/       where a record waits: batches in Kafka's wire format, one budget, the queues of a lane
//	partitioner/  which broker and partition: by key as the Java client does, else wherever one is free
//	config/       settings from a file, the environment and code, and where a mistake in them is
//	metrics/      what it can be asked in numbers: one table, for Prometheus and for OpenTelemetry
//	health/       is it well: /livez, /readyz, /health and a page, over HTTP
//	bench/        Forebay beside its peers on real Kafka; a module of its own
//	ops/          a dashboard, alert rules and a runbook; a module of its own
//	tracing/      OpenTelemetry: spans for what is sent and what becomes of it, trace headers on records
//	cmd/forebay/  the command line: produce, config check, topics
//	examples/     small programs, one question each; start with examples/quickstart
//	internal/     a supervised Kafka cluster, names, credentials, the clock, the order of lanes at a broker (wire), and what
//	              tests need: real brokers, links that can be cut, a ledger, a soak
//
// The benchmarks beside this file measure the figures that the README quotes, next to franz-go in
// the same run: make bench.
//
// A program imports producer, and perhaps routing and config; producer imports the others, and none
// of them but config and metrics imports producer.
package forebay
