// Package otel gives the metrics of a producer to OpenTelemetry.
//
// If the application builds its own reader, use a Source. It gives all metrics to the SDK
// unchanged, with delivery times as true histograms. Make it before the producers, and attach any
// number of them:
//
//	source := otel.NewSource()
//	reader := metric.NewPeriodicReader(exporter, metric.WithProducer(source))
//	provider := metric.NewMeterProvider(metric.WithReader(reader))
//	...
//	detach := source.Attach(p.Stats, otel.Options{})
//	defer detach()
//
// If there is only a Meter, use Register. It observes all counters and gauges through the API, in
// one callback:
//
//	registration, err := otel.Register(provider.Meter("forebay"), p.Stats, otel.Options{})
//	defer registration.Unregister()
//
// The API has no observable histogram, and a scrape must not pay for recording millions of records
// again. Register therefore gives the number of records up to each bound as the counter
// forebay.delivery.bucket with the attribute le, beside forebay.delivery.count and
// forebay.delivery.sum. Use only one of the two ways, or every number appears twice.
//
// The names are those of docs/metrics.md in the notation of OpenTelemetry. An export to Prometheus
// turns forebay.buffer in By into forebay_buffer_bytes, so dashboards and alerts also work with a
// Source.
package otel
