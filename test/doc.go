// Package test is the module of everything that proves Forebay and that no application needs: real
// Kafka, brokers that lie, the ledger, the soak, the mutants, and the suites that use them. It
// carries no promise of compatibility.
//
//	kafkatest/  real brokers, started and broken by a test
//	hostile/    brokers that answer nonsense and lies
//	toxics/     proxies that spoil connections
//	ledger/     what was sent, and what became of it
//	proof/      what the suites saw, for docs/reliability.md
//	producer/   the suites of package producer
//	cluster/    those of internal/cluster
//	logs/       what all packages of folder logs pass
//	health/     what health and config show together
//	bench/      make bench
//	soak/       make soak
//	mutants/    make mutants
package test
