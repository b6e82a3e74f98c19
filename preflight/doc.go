// Package preflight answers one question: will records be delivered with these settings, as far as
// the clusters can say now? It holds what a check found.
//
//	report := p.Preflight(ctx) // p is a *producer.Producer
//	if err := report.Err(); err != nil {
//		log.Print(err) // every problem: where it is, what is wrong, what to do
//	}
//
// [github.com/forebay-go/forebay/producer.Config.Preflight] checks settings without a producer: in
// a deploy check or an init container.
//
// # Levels
//
// [OK] means that nothing has to be done. [Warning] means that records are delivered, but something
// is not as it should be: a broker of several is away, batches will be halved, retries may leave
// duplicates. [Problem] means that some records will wait or be lost.
//
// # JSON
//
// A [Report] can be encoded as JSON and read back. Levels and priorities are words there, and times
// are nanoseconds.
package preflight
