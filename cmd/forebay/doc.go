// Command forebay sends events to Kafka from the command line.
//
//	forebay produce {--brokers host:port[,...] | --config file} --topic name [flags] [file...]
//	forebay config check [--probe] file
//	forebay topics apply [--dry-run] file
//	forebay topics grow --topic name[,...] --add n [--on id,...] [--dry-run] file
//	forebay version
//
// # produce
//
// It sends each line of the files, or of standard input, as one record:
//
//	forebay produce --brokers kafka-1:9092,kafka-2:9092 --topic plays plays-*.log
//	forebay produce --brokers kafka-1:9092 --topic plays --compression zstd plays-*.log.gz
//	forebay produce --brokers kafka-1:9092 --topic users --key-separator '\t' < users.tsv
//
// The input is read at the pace at which Kafka takes it, in bounded memory whatever its size. While
// brokers cannot be reached it waits and goes on trying, so a broker that restarts in the middle
// costs nothing but time. Lines without a key have no order in Kafka; those with the same key keep
// theirs. What is compressed is decompressed, and UTF-16 becomes UTF-8; archives and binary data
// are not sent unless --raw says so.
//
// Progress goes to standard error, and the last line there says how many lines were accepted and
// delivered, and how many were not and why. "forebay produce --help" has all flags.
//
// With --config the settings are those of a file, which may change while the command runs: see
// package config.
//
// # config check
//
// It prints every mistake in a file of settings and in the environment, or all settings in force
// and where each comes from. With
// --probe it asks the clusters whether they would take what these settings send. "forebay config check --help" says more. It
// exits with 1 where something is wrong.
//
// # topics
//
// "topics apply" creates the topics that a file of settings names, with the copies and the
// retention that its flags, create_topics of the cluster, or else their priority ask for; "topics
// grow" adds partitions to many topics at once, on the brokers that were added to a cluster. Both
// say first what they would do (--dry-run).
//
// # Interrupt
//
// Ctrl-C (or SIGTERM) stops reading, and what was read so far has --close-timeout to be delivered.
// A second one gives up what is left at once.
//
// # Exit codes
//
//	0    the input was delivered to its end
//	1    some of it was not: lines, or a file that could not be read to its end
//	2    the command is wrong, and nothing was sent
//	130  interrupted, and the input was not read to its end or not all of it was delivered
package main
