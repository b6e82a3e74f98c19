// Package prom serves the metrics of a producer to Prometheus:
//
//	registry.MustRegister(prom.New(p.Stats, prom.Options{}))
//
// docs/metrics.md lists the metrics. The package registers nothing by itself, and has no global
// state. If a process has several producers, give each a label of its own, such as
// prom.Options{Labels: prometheus.Labels{"producer": "audit"}}. To remove the metrics, Unregister
// the collector; it holds nothing but the function that it was given.
//
// Of serves another table in the same way, such as that of an audit (package audit/watch):
//
//	registry.MustRegister(prom.Of(watch.New(agent.Snapshot), nil))
//
// Connections counts the connections of kgo, the client underneath, with franz-go's own plug-in.
package prom
