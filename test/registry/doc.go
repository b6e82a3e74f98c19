// Package registry tests package event/registry with producers: against an embedded Kafka and an
// embedded registry in virtual time, and against a real Kafka and a real registry. What reads the
// records back is franz-go's sr.Serde.
package registry
