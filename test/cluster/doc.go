// Package cluster holds the tests of package internal/cluster that need real Kafka, or the rig of
// this module.
package cluster
