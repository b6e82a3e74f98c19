// Package metrics has the one table of a producer's metrics: every number of producer.Stats with
// its name, unit, labels, and the question that it answers. The package depends on no metrics
// library; metrics/prom serves the table to Prometheus and metrics/otel to OpenTelemetry:
//
//	source := metrics.New(p.Stats, metrics.Options{})
//	for _, sample := range source.Read() {
//		fmt.Println(sample.Metric.Name, sample.Labels, sample.Value)
//	}
//
// docs/metrics.md prints the table.
//
// # What it costs
//
// A Read calls Stats once, which takes the lock of each topic for a moment. The producer counts
// nothing only for metrics, so a producer that nobody scrapes pays nothing.
//
// # How many series
//
// The number of series is bounded, whatever the records carry. There are three priorities; the
// settings fix the clusters, and the code the reasons. At most Options.Topics topics have series of
// their own, and the topic "other" has the rest.
//
// # Counters count upwards
//
// A topic keeps its series while it is in use, so no counter falls because another topic becomes
// busier. A topic that takes the place of an idle one begins at zero, and its earlier counts stay
// in "other". All topics together therefore always grow by as much as their priorities.
package metrics
