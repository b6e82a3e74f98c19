// Package calibrate answers "what do requests, bytes and connections cost a real broker?" It sends
// steady loads to a cluster with Forebay itself, reads the processor time of the brokers, and fits
// the coefficients of package fleet.
//
//	load.go     one load: how many producers, records/s, bytes
//	drive.go    producers that send a load with Poisson arrivals
//	point.go    what is counted in a window
//	cpu.go      the processor time of the brokers' processes
//	topic.go    the topic that is written to, and deleted afterwards
//	run.go      all loads, one after the other, and the fit
//
// # Concurrency
//
// Run uses one goroutine for each producer, and ends them before it returns.
package calibrate
