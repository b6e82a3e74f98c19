// Package ops has no code to import, only files to copy: dashboard.json and audit.json for Grafana,
// alerts.yaml for Prometheus, and runbook.md. It is its own module, because its tests need the
// library of Prometheus and a browser for the pages, which no user should inherit.
package ops
