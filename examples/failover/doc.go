// Failover shows a priority that goes to another cluster and comes back, in half a minute, with
// nothing to install: two Kafka clusters run inside this process. The network to the first is cut,
// the second takes over, the first comes back, and in the end the order of the two is changed while
// the producer works. A line per second shows the rates of both.
//
//	go run ./examples/failover
//
// Then both logs are read. The exit status is 0 only when the books balance, each record has one
// outcome, what was delivered is in the log of the cluster that its report names, what is there
// twice was counted, and keys are in order in each cluster.
//
// Read main.go first: it is the story. The rest is its stage: the clusters (../internal/stage),
// what the application sends (load.go) and is told (watcher.go), the proof (verify.go), what is
// printed (display.go).
package main
