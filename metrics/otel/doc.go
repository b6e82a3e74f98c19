// Package otel gives what a producer counts to OpenTelemetry.
//
// Where the application builds its own reader, a Source is the way: it gives everything to the SDK
// as it is, delivery times as true histograms. It comes before the producer, and takes any number
// of them:
//
//	source := otel.NewSource()
//	reader := metric.NewPeriodicReader(exporter, metric.WithProducer(source))
//	provider := metric.NewMeterProvider(metric.WithReader(reader))
//	...
//	detach := source.Attach(p.Stats, otel.Options{})
//	defer detach()
//
// Where there is only a Meter, Register observes all counters and gauges through the API, in one
// callback:
//
//	registration, err := otel.Register(provider.Meter("forebay"), p.Stats, otel.Options{})
//	defer registration.Unregister()
//
// The API has no histogram that can be observed, and to record each of millions of records anew
// would cost what a scrape must not. Register gives the number of records up to each bound instead,
// as the counter forebay.delivery.bucket with the attribute le, beside forebay.delivery.count and
// forebay.delivery.sum. Use one of the two ways, or every number is there twice.
//
// The names are those of docs/metrics.md as OpenTelemetry writes them: forebay.buffer in By becomes
// forebay_buffer_bytes where it is exported to Prometheus, so dashboards and alerts work for a
// Source too.
package otel
