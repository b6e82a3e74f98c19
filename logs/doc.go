// Package logs has what is common to the packages that send log lines as events:
//
//	logs/slog  a slog.Handler
//	logs/zap   a zapcore.Core
//	logs/otel  an exporter and processor of OpenTelemetry's log records; a module of its own
//
// Each sends a line as one record to one topic through a producer.Sender. They never return an
// error to the logger, never wait and never panic.
//
// # Drops
//
// A line is dropped if Send refuses it, or if it cannot be encoded. Stats counts drops by reason.
// If Options.Drops names a second handler or core, it gets a line about drops at most once a
// minute. Lines that Send has accepted are in Stats of the producer.
//
// # Loops
//
// Some functions of a producer run because of a record. If one of them logs through a handler that
// sends with this producer, its line is a record that has it run again. An interceptor must not do
// so: it would call itself until the stack is full. A delivery callback that logs each report never
// comes to an end: have it skip the topic of the lines, or log elsewhere.
//
// # Large lines
//
// If Send refuses a line with producer.ErrRecordTooLarge, the line is sent again with its longest
// values cut. A cut text ends in "[...]", and the member "truncated_bytes" has the former size.
//
// # Forebay's own lines
//
// The lines that Forebay logs itself are not sent, and are counted in Stats.Own. The logger of the
// producer (producer.WithSlog, producer.WithLogger) may therefore be built over the handler or core
// that sends through this producer. Give it a second destination, or its lines are lost. With a
// [Late] the handler can be made before the producer; it drops lines until Late.Use:
//
//	var late logs.Late
//	h, err := forebayslog.New(&late, "logs", nil)
//	...
//	log := slog.New(slog.NewMultiHandler(slog.NewTextHandler(os.Stderr, nil), h))
//	p, err := producer.New(cfg, producer.WithSlog(log))
//	...
//	late.Use(p)
package logs
