package main

import "strings"

// row is a fault or an invariant, as the document explains it.
type row struct {
	id    string
	words string
	never string // of a fault: why no test has it yet; empty where one should
}

// faults are what the tests inject.
var faults = []row{
	{id: "F1",
		words: "no broker at start: refused, black hole, name does not resolve, wrong TLS, " +
			"wrong SASL"},
	{id: "F2", words: "a load balancer accepts, then closes (FIN), or resets"},
	{id: "F3", words: "a broker takes bytes and never answers, 5–60 s"},
	{id: "F4",
		words: "the leader is stopped with SIGTERM, SIGKILL; bounced five times, each time " +
			"chasing the new leader"},
	{id: "F5", words: "whole cluster away 1 s, 30 s, 5 min, 24 h; rolling restart"},
	{id: "F6", words: "client cut off from one broker only; one-way cut; one rack of three lost"},
	{id: "F7",
		words: "latency 50 ms–2 s with jitter, 100 kB/s, sliced packets, cut in the middle of a " +
			"frame, slow close"},
	{id: "F8",
		words: "error after append: REQUEST_TIMED_OUT, NOT_ENOUGH_REPLICAS_AFTER_APPEND; " +
			"connection cut right after the write"},
	{id: "F9",
		words: "storms of NOT_LEADER, LEADER_NOT_AVAILABLE, KAFKA_STORAGE_ERROR, " +
			"OUT_OF_ORDER_SEQUENCE, UNKNOWN_PRODUCER_ID; quota throttling"},
	{id: "F10",
		words: "topic absent, appears later, deleted and made again (new topic ID), partitions " +
			"added, no write permission for one topic only"},
	{id: "F11", words: "record too large for the topic, invalid record, mixed with good ones"},
	{id: "F12", words: "credentials or certificates expire or rotate while running"},
	{id: "F13",
		words: "DNS: NXDOMAIN, SERVFAIL, 5 s slow, all addresses change, a name that now points " +
			"to another cluster"},
	{id: "F14",
		words: "primary cluster away; flapping every 2 s; fallback full; both away; fallback " +
			"slow", never: "needs a second cluster for a lane"},
	{id: "F15",
		words: "flood at 10× capacity; one slow partition; one slow broker; one slow topic; one " +
			"slow priority"},
	{id: "F16", words: "the delivery callback blocks, panics, or calls Send"},
	{id: "F17",
		words: "Close during an outage, with a deadline; twice; Send after and during Close"},
	{id: "F18",
		words: "the application's logger, which writes through Forebay, logs Forebay's own log " +
			"lines"},
	{id: "F19",
		words: "wall clock jumps ±2 h (Kafka 4 refuses timestamps more than 1 h ahead); " +
			"GOMAXPROCS=1; starved of CPU"},
	{id: "F20", words: "unclean leader election: the broker loses acknowledged records"},
	{id: "F21", words: "the audit topic or the auditor's cluster is away",
		never: "needs the auditor"},
	{id: "F22",
		words: "spilling: process killed, disk full, torn last write, read-only folder, flipped " +
			"bit", never: "needs spilling to disk"},
	{id: "F23", words: "1,000 producers start during an outage and at its end (herd)"},
	{id: "F24",
		words: "records with event times two days old, the broker restarted with one batch " +
			"unresolved (brokers forget producers by record time)"},
	{id: "F25",
		words: "a dial that hangs past the attempt deadline (0 maybe duplicated, 0 renewals " +
			"expected)"},
	{id: "F26", words: "endless topic names, invalid topic names"},
	{id: "H1",
		words: "hostile broker, malformed frames: truncated, cut, oversized, late, doubled or " +
			"swapped answers, wrong correlation, garbage, versions that cannot be"},
	{id: "H2",
		words: "hostile broker, lying metadata: brokers that do not exist, loops, partitions " +
			"without leaders or without end"},
	{id: "H3",
		words: "hostile broker, lying answers to produce requests and to requests for producer " +
			"IDs"},
}

// invariants are what must hold whatever is injected.
var invariants = []row{
	{id: "I1",
		words: "`Send` returns without waiting on network, broker, disk or callback, in every fault"},
	{id: "I2",
		words: "`New` returns no error for any state of the network; only for configuration that is wrong in itself"},
	{id: "I3",
		words: "attempts = refused + accepted; accepted = delivered + shed + expired + rejected + possibly persisted + pending, at any instant, with pending counted from what is held; pending is 0 after `Close`"},
	{id: "I4", words: "each accepted record gets exactly one outcome"},
	{id: "I5", words: "delivered records are in the log"},
	{id: "I6",
		words: "shed, expired and rejected records are never in the log; only *possibly " +
			"persisted* ones may be"},
	{id: "I7",
		words: "every duplicate in the log is of a record counted as maybe duplicated; a batch " +
			"whose state was never renewed has none"},
	{id: "I8",
		words: "records of one key from one goroutine keep their order in a cluster; gaps are " +
			"counted drops"},
	{id: "I9", words: "key, value, headers, timestamp and topic read back equal what was sent"},
	{id: "I10", words: "it resumes alone, as soon as promised, and the whole backlog is drained"},
	{id: "I11",
		words: "heap in use after two collections is bounded by the configured memory; heap, " +
			"goroutines and connections are back at their start after outages"},
	{id: "I12",
		words: "high loses nothing while low sheds under flood; low never delays high by more " +
			"than one batch"},
	{id: "I13",
		words: "fallback in time, back when the primary is well, and at most one switch a " +
			"minute while it flaps"},
	{id: "I14", words: "`Close(ctx)` returns by its deadline with the exact number left"},
	{id: "I15",
		words: "the auditor reports exactly the loss injected, no false alarm in a clean hour, " +
			"and alarms on a missing heartbeat"},
	{id: "I16",
		words: "connection attempts ≤ 2 a second per producer and broker in a longer outage; " +
			"log lines per outage are bounded"},
	{id: "I17",
		words: "no panic in user code (callback, partitioner, hook) ends the process or stops " +
			"delivery"},
}

// idOf returns the id of a fault as a case names it: "H1: malformed frames" is H1.
func idOf(name string) string {
	id, _, _ := strings.Cut(name, ":")
	return id
}

func known(rows []row, id string) bool {
	for _, r := range rows {
		if r.id == id {
			return true
		}
	}
	return false
}
