// Package soak answers "does it hold for hours?": two producers with different settings send to a
// real cluster of three brokers, while a seeded schedule kills, stops and pauses brokers, cuts,
// blackholes and resets connections, moves leaders, adds partitions, sets quotas, starves the
// process and blocks callbacks. A client that is not ours reads the log as it grows, and a ledger
// for each producer judges every record.
//
//	make soak MINUTES=10          # prints its seed
//	make soak MINUTES=10 SEED=42  # draws the same settings, loads and faults again
//
// What a seed repeats is what is drawn, not the instant at which a machine does it.
//
// The files: soak_test.go runs it and prints the closing lines, side_test.go is a producer with its
// settings, its network and its senders, faults_test.go injects, watch_test.go checks what must
// hold at every instant, log_test.go reads.
package soak
