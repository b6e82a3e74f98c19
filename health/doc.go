// Package health reports the health of a producer to programs and people, over HTTP.
//
//	page := health.New(p, health.WithSettings(config.Fields))
//	mux.Handle("/forebay/", http.StripPrefix("/forebay", page))
//
//	/livez    200 as long as the process answers; it checks nothing else
//	/readyz   200 or 503, by a policy of your choice; see WithReady
//	/health   200 and a Report in JSON: the status, and each problem with its reason
//	/         a live page for people, which loads nothing from other hosts
//
// The handler may be mounted anywhere: all its links are relative. The page is at the mount path
// with a slash at the end.
//
// # What it reads and shows
//
// The handler answers only GET and HEAD, and only on its own paths. It ignores queries, headers and
// bodies, and repeats nothing from a request in an answer.
//
// It asks for no password. Every caller sees the names of clusters, brokers and topics, the reasons
// of failures, and all settings but secrets. Mount it where only operators can reach it.
//
// # What it costs
//
// The handler calls Producer.Stats at most once every 250 ms, however many requests come. /livez
// and the default policy of /readyz never call it. It starts no goroutine, so it does nothing
// without requests. The page draws the hour before it was opened from Producer.Samples, which it
// asks for once.
//
// Recent losses are therefore counted between two calls of Stats: since the latest one that is at
// least a minute old (WithRecent). Where requests are rare, that may be hours ago; Problem.Since
// has the time.
//
// # Bounds
//
// An answer lists at most 50 topics, 50 problems, 64 clusters and 1,000 settings, and says how many
// it leaves out. Topics in trouble come first, then those with the most waiting records. Long texts
// are cut.
//
// # Concurrency
//
// The handler is safe for concurrent use. While one request calls Stats, others that need its
// figures wait for it.
package health
