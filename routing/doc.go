// Package routing answers one question: which priority does a record have, and so which cluster
// does it go to?
//
// It is pure: no I/O, no goroutines, nothing to close. A [Table] is built once from rules, and is
// immutable and safe for concurrent use.
//
//	table, err := routing.NewTable([]routing.Rule{
//		{Topic: "playback.*", Priority: routing.High},
//		{Topic: "trace.*", Priority: routing.Low},
//	})
//	table.Priority("playback.start") // routing.High
//
// The three priorities are those of the fronting clusters of "Netflix Data Pipeline with Kafka",
// slide 16.
package routing
