// Package delivery says what became of records: the [Outcome] of each, the [Reason] for a loss, the
// [Books] in which every accepted record has its place, the [Traffic] that it took, and the
// [Trouble] that keeps records waiting.
//
// Package producer has all of it under names of its own: producer.Stats is made of these types, and
// producer.Report carries an Outcome and a Reason. Import this package to write what reads them,
// such as a bridge to a monitoring system.
//
// The books balance at every instant:
//
//	accepted = delivered + shed + expired + rejected + possibly persisted + pending
//
// All types are plain values without locks. Copy them freely; synchronize access to one that
// several goroutines share.
package delivery
