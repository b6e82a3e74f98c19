// Package admin looks at clusters and changes topics, for the commands: whether a cluster takes
// what some settings send, the topics that those name, and more partitions for them on brokers that
// were added. Nothing of it is on the way of a record.
package admin
