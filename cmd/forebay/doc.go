// Command forebay sends events to Kafka from the command line, checks the settings of producers,
// creates their topics, registers schemas, sizes a fleet of them, and proves that nothing is lost.
//
//	forebay produce {--brokers host:port[,...] | --config file} --topic name [flags] [file...]
//	forebay config check [--probe] file
//	forebay topics apply [--dry-run] file
//	forebay topics grow --topic name[,...] --add n [--on id,...] [--dry-run] file
//	forebay schema {register | check | lock [--check]} --registry address --schemas file
//	forebay plan [--json] [--svg folder] [--coefficients file] file
//	forebay plan calibrate --brokers host:port[,...] [--pid n[,...]] [flags]
//	forebay audit {init | run [--json] [--listen address] | report [--since time] [--json]} file
//	forebay audit record --topic name[,...] --output file [flags] file
//	forebay audit replay [--speed 1|n|max] [flags] file capture
//	forebay version
//
// The --help of each command describes it in full.
//
// # produce
//
// It sends each line of the files, or of standard input, as one record:
//
//	forebay produce --brokers kafka-1:9092,kafka-2:9092 --topic plays plays-*.log
//	forebay produce --brokers kafka-1:9092 --topic plays --compression zstd plays-*.log.gz
//	forebay produce --brokers kafka-1:9092 --topic users --key-separator '\t' < users.tsv
//
// It reads its input only as fast as Kafka takes it, in bounded memory. While brokers cannot be
// reached it waits and keeps trying, so a broker that restarts costs nothing but time. Lines
// without a key have no order in Kafka; lines with the same key keep theirs. Compressed input is
// decompressed, and UTF-16 becomes UTF-8; archives and binary data are sent only with --raw.
//
// --header adds a header to every record, and --rate bounds the records a second:
//
//	forebay produce --brokers kafka-1:9092 --topic plays --header source=file --rate 500 plays.log
//
// Progress goes to standard error. The last line there says how many lines were accepted and
// delivered, and how many were not and why.
//
// With --config the settings come from a file, which may change while the command runs: see
// package config.
//
// # config check
//
// It prints every mistake in a settings file and in the environment, or else every setting in force
// and where it comes from. With --probe it also connects to the clusters and checks that these
// settings work there. It exits with 1 if something is wrong.
//
// # topics
//
// "topics apply" creates the topics that a settings file names. Their replicas and their retention
// come from the flags, else from create_topics of the cluster, else from their priority. "topics
// grow" adds partitions to many topics at once, on the brokers that were added to a cluster. With
// --dry-run both only print what they would do.
//
// # schema
//
// "schema register" registers the schemas that a YAML file lists, "schema check" only checks that
// the registry would take them, and "schema lock" writes their IDs to a lock file for package
// event/registry. They belong in a CI job.
//
// # plan
//
// It computes what a fleet of services costs its Kafka cluster: requests, connections and processor
// time of a broker, and memory in an outage. It then advises what to change. "plan calibrate"
// measures the processor time that producers cost brokers. docs/scale.md explains the model.
//
// # Interrupt
//
// Ctrl-C (or SIGTERM) stops reading; lines already read have --close-timeout to be delivered. A
// second one gives up the rest at once.
//
// # Exit codes
//
//	0    everything was delivered, created, registered or correct
//	1    some lines were not delivered, some topics or schemas were not taken, or a file is wrong
//	2    the command line is wrong, or the settings of produce are; nothing was sent
//	130  interrupted before the whole input was read and delivered
//
// # audit
//
// Instances of the auditor number records, read them back, and find which are lost, there twice or
// out of order. They also watch brokers, and record and replay traffic. docs/audit.md shows how.
package main
