// Package health tells programs and people how a producer is, over HTTP.
//
//	page := health.New(p, health.WithSettings(config.Fields))
//	mux.Handle("/forebay/", http.StripPrefix("/forebay", page))
//
//	/livez    200 as long as the process answers; it looks at nothing
//	/readyz   200 or 503, by a policy of your choice; see WithReady
//	/health   200 and a Report in JSON: whether all is well, and why not, in words
//	/         a page for people, live, that needs nothing from anywhere else
//
// The handler may be mounted anywhere: all its links are relative. Its page is at the mount with a
// slash at the end.
//
// # What it reads and shows
//
// Only GET and HEAD are answered, and only of its own paths; no query, header or body is looked at,
// and nothing of a request is repeated in an answer. It shows the names of clusters, brokers and
// topics, the reasons of failures, and all settings but secrets, to whoever may call it: there is
// no password in front of it, so mount it where only operators get to.
//
// # What it costs
//
// Producer.Stats is called once a quarter of a second at most, however many ask, and never by
// /livez or by the default policy of /readyz. There is no goroutine: while nobody asks, nothing is
// done. The page draws the hour before it was opened from Producer.Samples, which it asks for once.
// What was lost "of late" is therefore counted between two looks: since the last one that is a
// minute old (WithRecent), which may be hours ago where nobody looks more often. Since says it.
//
// # Bounds
//
// An answer has the 50 most interesting topics (those in trouble first, then those with most
// waiting), 50 problems, 64 clusters, 1,000 settings, and says how many it leaves out. Long texts
// are cut.
//
// # Concurrency
//
// The handler is safe for concurrent use. Requests that need figures wait for each other while one
// of them calls Stats.
package health
