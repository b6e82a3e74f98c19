// Package simulate answers "what happens to a fleet and its cluster, second by second?" It plays
// the fleet of a plan through an outage of the whole cluster, in virtual time.
//
//	result, err := simulate.Run(plan, time.Hour)
//
// # What the files are about
//
//	layout.go    where leaders are, and which brokers each instance uses
//	sender.go    one priority of one instance, record by record
//	instance.go  what an instance knows, and what it keeps
//	backlog.go   the batches that wait
//	probes.go    connection attempts while no broker answers
//	broker.go    how a broker accepts connections
//	drain.go     what instances send of their backlog; share.go divides what brokers take
//	simulate.go  the steps of time; work.go bounds what they may take
//	result.go    what was counted; print.go shows it as a table
//
// # What is played
//
// A few instances are played record by record, to learn how many requests an instance makes while
// all is well. These numbers are drawn then, for each instance and second. From the begin of the
// outage until nothing waits any more, each instance has its own backlog, connections and share of
// each broker.
//
// The choice of brokers, the linger and the pace of probes are the code of the engine.
//
// # Concurrency
//
// Run uses all processors. The same plan gives the same figures, but for the probes: the engine
// draws their times from a source that cannot be seeded.
package simulate
