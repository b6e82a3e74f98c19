// Package event tests package event with real Kafka, and with readers that others wrote: franz-go,
// Kafka's console consumer and the official SDK of CloudEvents.
package event
