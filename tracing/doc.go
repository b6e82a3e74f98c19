// Package tracing traces records with OpenTelemetry: a span for each Send, W3C headers with which
// the reader of the record continues the trace, and a span for the outcome.
//
//	t := tracing.New(provider)
//	report := t.Delivery(func(r producer.Report) { ... }) // or t.Delivery(nil)
//	p, err := producer.New(cfg, producer.WithDelivery(report))
//	...
//	err = t.Send(ctx, p, producer.Record{Topic: "plays", Value: event})
//
// It uses only OpenTelemetry's API; the provider samples, keeps and exports the spans. A reader
// takes the context from the headers with the same propagator, by franz-go's plug-in kotel or by
// propagation.TraceContext.Extract.
//
// # The spans
//
// "send plays" (kind producer) is the call of Send. The headers carry its span context. It fails if
// Send returns an error.
//
// "deliver plays" is a short span, made when the record has its outcome. It has the outcome,
// reason, cluster, partition, offset, attempts and delivery time, and fails if the record was not
// delivered. It is both linked to the span in the headers and its child: otherwise samplers would
// decide again, and most viewers cannot follow a link backwards. If a trace must not grow for as
// long as an outage may last, WithSeparateTraces leaves only the link.
//
// Names and attributes follow OpenTelemetry's semantic conventions for messaging, with forebay.*
// for the rest. No attribute has the key, the value or a header of a record.
//
// # What is traced
//
// The Tracer makes spans for records sent with a sampled span in their context. For an unsampled
// span it makes none, but the headers pass it on, so that the reader does not sample either.
// Without a span in the context it does nothing. A span processor that exports as soon as a span
// ends makes Send wait: use one that hands spans on, like the batcher of sdk/trace.
//
// The headers make a record about 70 bytes larger. A record that only the headers make too large is
// sent without them; Stats.Refused counts it nonetheless.
//
// # Which record a report is about
//
// A report has the record, and so its headers, only if the record was lost and its memory was not
// needed. For all others, a Tracer remembers the span contexts of the last 16,384 sampled records
// in flight by their tags. They take at most 3 MB, which do not count under Buffer.MaxBytes. An
// older record has no "deliver" span, unless its report has the record.
//
// Tags must therefore be unique among the records in flight, and a Tracer belongs to one producer.
// A record with tag 0 gets a tag from the Tracer while in flight; its report has tag 0 again.
package tracing
