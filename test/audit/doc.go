// Package audit tests the auditor on real Kafka: what it finds is what was done to the records, and
// it finds nothing while brokers, readers and topics come and go.
package audit
