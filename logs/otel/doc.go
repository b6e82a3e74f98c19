// Package otel sends OpenTelemetry's log records as events to a Kafka topic, in OTLP as the Kafka
// receiver of the OpenTelemetry Collector reads it. It is a module of its own:
//
//	go get github.com/forebay-go/forebay/logs/otel
//
// Import it under another name:
//
//	import forebayotel "github.com/forebay-go/forebay/logs/otel"
//
//	e, err := forebayotel.New(p, "logs", nil) // p is a *producer.Producer
//	if err != nil {
//		return err
//	}
//	// sdklog is go.opentelemetry.io/otel/sdk/log
//	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(e))
//
// An [Exporter] is a Processor of the SDK as well: Send never waits, so it needs no batch processor
// before it, whose queue would be a second place where records are lost. It may also be given to
// sdklog.NewBatchProcessor or sdklog.NewSimpleProcessor.
//
// # The records
//
// Each record of a log is one record in Kafka: an OTLP LogsData message with the resource, the
// scope, trace and span ID, severity, body and attributes. Options.Encoding is JSON or Proto. The
// Collector reads them so:
//
//	receivers:
//	  kafka:
//	    brokers: ["127.0.0.1:9092"]
//	    logs: {topics: [logs], encoding: otlp_json} # or otlp_proto
//
// The record has no key unless Options.Key gives one. The severity decides the priority: when
// memory is full, debug lines make room for errors (Options.Priorities). A record that is larger
// than the producer allows is sent with its longest texts cut and the attribute "truncated_bytes".
//
// # Errors
//
// Export and OnEmit return nil for records that could not be sent. The SDK does not try again
// whatever they return: it hands each error to the error handler, which by default prints it.
// Instead, dropped records are counted in Exporter.Stats, and reported to the error handler
// (otel.Handle) at most once a minute.
//
// Lines that Forebay logs itself are not sent if the Exporter is used as a Processor, or behind a
// SimpleProcessor, and the bridge passes the context on, as otelslog and otelzap do. A
// BatchProcessor drops the context. Those lines are then sent, but never more than 20 a minute with
// the same message.
//
// # Concurrency
//
// An Exporter is safe for concurrent use. It takes no lock, and starts no goroutine, but for each
// report of drops a short one.
package otel
