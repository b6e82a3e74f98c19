// Package config loads the settings of a producer from a YAML file, the environment and code, and
// says of each mistake where it is, what was found and what to write instead.
//
//	cfg, _, err := config.Load("/etc/forebay.yaml")
//	if err != nil {
//		log.Fatal(err) // all mistakes, one in a line, as in "forebay.yaml:7:5: batching.linger: "10": no unit: write 10ms, 10s or 10m"
//	}
//	p, err := producer.New(cfg, producer.WithLogger(logger))
//
// Only programs that import this package depend on the libraries that it needs.
//
// # Names
//
// A setting has one name everywhere, that of its yaml tag in producer.Config: "buffer.max_bytes" in
// messages,
//
//	buffer:
//	  max_bytes: 64MiB
//
// in a file, and FOREBAY_BUFFER_MAX_BYTES=64MiB in the environment. Code goes before the
// environment (see [Override]), the environment before the file, and what nobody says has the
// default that producer.Config documents. There is no list of settings here: a new field of
// producer.Config is a setting by itself.
//
// # Values
//
// Times are written as 10ms, 30s, 5m, 1h30m or 2d; "never" and "none" are producer.Never and
// producer.NoLinger. What is called "…_bytes" is a number of bytes or a size: 512KiB, 64MiB, 1MB
// (10⁶). A share is 0.25 or 25%. Names that do not exist, values that do not fit, and settings that
// are there twice are mistakes; all of them are reported at once.
//
// A zero that is written in a file or a variable means zero: no linger, no guaranteed share. Where
// a setting cannot be zero, it is a mistake. It never means the default, as a zero field of
// producer.Config does.
//
// # The environment
//
// The name of a variable is FOREBAY_ and the path of the setting in capitals, every other character
// being _.
//
//   - The name of a cluster is in the path: FOREBAY_CLUSTERS_US_EAST_BROKERS is for "us-east" if the file has a cluster of that
//     name, and makes a cluster "us_east" otherwise.
//   - So is the number of an item, from 0: FOREBAY_TOPICS_0_PRIORITY=high. The number after the last one adds an item.
//   - A list has commas: FOREBAY_CLUSTERS_LOW_BROKERS=a:9092,b:9092. So has a map of words:
//     FOREBAY_CLUSTERS_LOW_CREATE_TOPICS_CONFIGS=retention.ms=7200000,min.insync.replicas=1.
//   - Any list or map may be YAML in one line: FOREBAY_TOPICS=[{topic: playback.*, priority: high}].
//   - A list or a map in one variable replaces the one in the file as a whole.
//   - A variable that is empty counts as not set. One that begins with FOREBAY_ and is no setting is a mistake, but for those that
//     Kubernetes sets for a Service called "forebay".
//
// # While running
//
// [Watch] puts a changed file into force through Producer.Reconfigure. A file with mistakes changes
// nothing and is logged with all of them; with WithOutcome(p.SettingsFrom) Stats says so too. A
// property service feeds a producer through a [Source] of its own and [WatchSource].
package config
