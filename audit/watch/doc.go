// Package watch shows an instance of the auditor to people and programs, while it runs:
//
//	w := watch.New(agent.Snapshot)
//	mux.Handle("/audit/", http.StripPrefix("/audit", w))
//	registry.MustRegister(prom.Of(w, nil)) // package metrics/prom
//
//	/livez    200 as long as the process answers; it checks nothing else
//	/readyz   200, and 503 once the instance only waits for what is open
//	/health   200 and a Report in JSON: the status, the verdict, and each problem
//	/         a live page for people, which loads nothing from other hosts
//
// "forebay audit run" does that by itself if its file has a setting audit.listen.
//
// # What it reads and shows
//
// The handler answers only GET and HEAD, and only on its own paths. It changes nothing, and asks
// for no password. Every caller sees the names of topics, brokers, instances and readers. Mount it
// where only operators can reach it.
//
// # Metrics
//
// A Watch is a table of metrics and their values. docs/audit-metrics.md prints the table; the
// package depends on no metrics library. Most are gauges: a ledger forgets buckets after two days,
// and what it knows of a record may change as long as statements come.
//
// The number of series is bounded. At most 50 topics have series of their own, and the topic
// "other" has the rest. None is labelled by partition, bucket or instance.
//
// # What it costs
//
// A Watch takes a snapshot at most once a second, however many requests come, and none without
// requests. It starts no goroutine.
//
// # A program with parts of its own
//
// A program that has no Agent fills in a Snapshot from what it has:
//
//	w := watch.New(func() audit.Snapshot {
//		s := audit.Snapshot{At: time.Now(), Began: began, Role: audit.Consume}
//		s.Report = follower.Ledger().Report(s.At)
//		s.Topics, s.Brokers = reader.Topics(), heart.Brokers()
//		s.Read, s.Numbered = reader.Records()
//		return s
//	})
package watch
