// Package prom serves what a producer counts to Prometheus:
//
//	registry.MustRegister(prom.New(p.Stats, prom.Options{}))
//
// docs/metrics.md lists the metrics. Nothing is registered by itself, and there is no state of the
// package. Several producers in one process want a label each to be told apart by, such as
// prom.Options{Labels: prometheus.Labels{"producer": "audit"}}. To take the metrics away,
// Unregister the collector; it holds nothing but the function that it was given.
//
// Connections has what kgo, the client underneath, does on its connections, by franz-go's own
// plug-in.
package prom
