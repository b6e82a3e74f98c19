// Package admin checks clusters and changes topics, for the commands. [Probe] checks that a cluster
// works with some settings, [Apply] creates the topics that they name, and [Grow] adds partitions
// on brokers that were added. No record passes through this package.
package admin
