// Package loadtest measures what a Kafka cluster does under load, with Forebay as its producer and
// kgo as its readers.
//
// Every record is due at a time that does not depend on Kafka. Latencies count from that time, so
// that a stall counts for all records that were due in it, and not only for the one that met it.
//
// [Run] does what a [Config] says, in one of four modes: [Steps] of constant rates, a [Search] for
// the highest rate that meets an [Objective], what [Consumers] cost the producer, and a sweep of
// fetch.max.wait ([FetchWait]). Each of them is a sequence of measurements: traffic of one rate,
// with a warm-up that is left out, and a wait for the outcome of every record.
package loadtest
