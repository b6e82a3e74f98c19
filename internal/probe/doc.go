// Package probe asks Kafka clusters whether the settings of a producer work there. It sends no
// record, and creates and changes no topic. It asks each cluster for one producer ID, as a producer
// does, and leaves that unused.
package probe
