// Package ops has nothing to import: dashboard.json for Grafana, alerts.yaml for Prometheus and
// runbook.md are files to take. It is a module of its own, because its tests need what nobody who
// sends events should inherit: Prometheus' own library, and a browser that looks at the page of
// package health.
package ops
