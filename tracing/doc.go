// Package tracing follows records with OpenTelemetry: a span for each Send, W3C headers on the
// record, so that whoever reads it continues the trace, and a span that tells what became of it.
//
//	t := tracing.New(provider)
//	p, err := producer.New(cfg, producer.WithDelivery(t.Delivery(nil))) // or with your callback
//	...
//	err = t.Send(ctx, p, producer.Record{Topic: "plays", Value: event})
//
// It uses OpenTelemetry's API only; what samples, keeps and exports is the provider's. A reader
// takes the context from the headers with the same propagator, by franz-go's plug-in kotel or by
// propagation.TraceContext.Extract.
//
// # What there is
//
// "send plays" (kind producer) is the call of Send, and its span context is what the headers carry.
// It has failed where Send has returned an error. "deliver plays" is made when the record has its
// outcome, is short, and tells outcome, reason, cluster, partition, offset, attempts and how long
// it took; it has failed where the record was not delivered. It is linked to the span in the
// headers. It is its child, too: samplers would otherwise decide anew, and most viewers cannot
// follow a link backwards. Where a trace must not grow for as long as an outage may last,
// WithSeparateTraces leaves the link alone.
//
// Names and attributes are those of OpenTelemetry's semantic conventions for messaging, and
// forebay.* where these have none. No attribute has the key, the value or a header of a record.
//
// # What is traced
//
// Records that are sent with a sampled span in their context. An unsampled one is told to the
// reader by the headers, so that it does not sample either; without a span in the context nothing
// is done at all. A provider whose span processor exports by itself when a span ends makes Send
// wait for that: use one that hands spans on, as sdk/trace's batcher.
//
// The headers make a record some 70 bytes larger. One that is too large only with them is sent
// without; Stats.Refused has counted it all the same.
//
// # Which record a report is about
//
// A report has the record, and so its headers, only if it was lost, and not if its memory was
// needed. For all others a Tracer remembers the span context of the last 16,384 sampled records
// under way by their tags, in 3 MB at most, which are not counted under Buffer.MaxBytes. What was
// remembered longer ago has no "deliver" span, unless its report has the record. So tags have to be
// unique among records under way, as they must be to tell anybody anything, and a Tracer belongs to
// one producer. A record with tag 0 gets one from the Tracer for the way; its report has 0 again.
package tracing
