// Package forebay sends events to Kafka and never makes the program wait. It holds no code of its
// own: this is the map of the folders.
//
//	producer/     the front door: New, Send, Flush, Close, delivery reports, Stats
//	delivery/     what became of records: outcome, reason, books
//	routing/      which priority, and which cluster
//	partitioner/  which partition: by key as the Java client does, or wherever a broker is free
//	preflight/    would records be delivered now: what a check of the clusters found
//	buffer/       where a record waits; no promise of compatibility
//	event/        values of a Go type, encoded, to a topic; JSON, Protocol Buffers, Avro
//	config/       settings from a file, the environment and code
//	metrics/      all figures in one table, for Prometheus and for OpenTelemetry
//	health/       /livez, /readyz, /health and a page for people, over HTTP
//	kgocompat/    franz-go's producing calls over a producer, for services that move over
//	logs/         log lines as events, from log/slog, zap and OpenTelemetry
//	tracing/      OpenTelemetry spans, and trace headers on records
//	audit/        proof that no record is lost, or which ones are
//	watermill/    a publisher for Watermill
//	cmd/forebay/  the command: produce, config check, topics, audit
//	examples/     small programs, one question each; start with examples/quickstart
//	ops/          a dashboard, alert rules and a runbook
//	bench/        Forebay beside its peers on real Kafka
//	internal/     the engine, the cluster underneath, names, credentials
//
// A program imports producer, and perhaps routing and config. ARCHITECTURE.md says how it works.
package forebay
