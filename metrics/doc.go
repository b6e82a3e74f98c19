// Package metrics is the one table of what a producer can be asked in numbers: every number of
// producer.Stats with its name, its unit, its labels, and the question that it answers. It depends
// on no library for metrics; metrics/prom serves the table to Prometheus and metrics/otel to
// OpenTelemetry:
//
//	source := metrics.New(p.Stats, metrics.Options{})
//	for _, sample := range source.Read() {
//		fmt.Println(sample.Metric.Name, sample.Labels, sample.Value)
//	}
//
// The table is printed in docs/metrics.md.
//
// # What it costs
//
// A Read calls Stats once, which takes the lock of each topic for a moment. Nothing is counted for
// metrics that is not counted anyway, so a producer that nobody scrapes pays nothing.
//
// # How many series
//
// The number of series is bounded whatever the records carry: priorities are three, clusters and
// reasons are known from the settings and the code, and of topics there are at most Options.Topics,
// and one called "other" for the rest.
//
// # Counters count upwards
//
// A topic keeps its series while it is in use, so that no counter falls because another topic has
// become busier. When its place goes to another, the one that comes begins at zero, and what it had
// before stays in "other". The growth of all topics together is therefore always the growth of
// their priorities.
package metrics
