// Package config loads the settings of a producer from a YAML file, the environment and code. For
// each mistake it reports where it is, what was found and what to write instead.
//
//	cfg, _, err := config.Load("/etc/forebay.yaml")
//	if err != nil {
//		log.Fatal(err) // every mistake, one a line
//	}
//	p, err := producer.New(cfg, producer.WithLogger(logger))
//
// A mistake reads like this:
//
//	forebay.yaml:7:5: batching.linger: "10": no unit: write 10ms, 10s or 10m
//
// Only programs that import this package depend on the libraries that it needs.
//
// # Names
//
// A setting has the same name everywhere, that of its yaml tag in producer.Config:
// "buffer.max_bytes" in messages,
//
//	buffer:
//	  max_bytes: 64MiB
//
// in a file, and FOREBAY_BUFFER_MAX_BYTES=64MiB in the environment. Code (see [Override]) overrides
// the environment, and the environment overrides the file. A setting that none of them sets has the
// default that producer.Config documents. A new field of producer.Config is a setting without
// further code.
//
// # Values
//
// Write times as 10ms, 30s, 5m, 1h30m or 2d; "never" and "none" mean producer.Never and
// producer.NoLinger. The value of a setting called "…_bytes" is a number of bytes or a size:
// 512KiB, 64MiB, 1MB (10⁶). Write a share as 0.25 or 25%. Unknown names, invalid values and
// settings that are set twice are mistakes; all of them are reported at once.
//
// A zero in a file or a variable means zero: no linger, no guaranteed share. It is a mistake if the
// setting cannot be zero. It never means the default, as a zero field of producer.Config does.
//
// # The environment
//
// The name of a variable is FOREBAY_ and the path of the setting in capitals, with _ for every
// other character.
//
//   - The path contains the name of the cluster. FOREBAY_CLUSTERS_US_EAST_BROKERS belongs to
//     "us-east" if the file has that cluster, and else makes a cluster "us_east".
//   - The path contains the number of a list item, from 0: FOREBAY_TOPICS_0_PRIORITY=high. The
//     number after the last one adds an item.
//   - Commas separate the items of a list: FOREBAY_CLUSTERS_LOW_BROKERS=a:9092,b:9092. So they do
//     in a map of words: FOREBAY_CLUSTERS_LOW_CREATE_TOPICS_CONFIGS=retention.ms=7200000,a=b.
//   - Any list or map may be YAML in one line:
//     FOREBAY_TOPICS=[{topic: playback.*, priority: high}].
//   - A list or a map in one variable replaces the whole one in the file.
//   - An empty variable counts as not set. An unknown variable that begins with FOREBAY_ is a
//     mistake, except those that Kubernetes sets for a Service called "forebay".
//
// # While running
//
// [Watch] applies a changed file through Producer.Reconfigure. A file with mistakes changes
// nothing, and every mistake is logged; with WithOutcome(p.SettingsFrom) Stats reports it too. A
// property service feeds a producer through its own [Source] and [WatchSource].
package config
