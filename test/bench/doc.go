// Package bench holds the benchmarks of make bench, beside franz-go. The bench of all producers is
// the module bench.
package bench
