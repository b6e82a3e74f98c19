// Package registry sends events with the IDs of their schemas in a schema registry, Confluent's or
// one with its API. The program needs no registry to start or to send:
//
//	import "github.com/twmb/franz-go/pkg/sr" // for sr.Schema
//
//	//go:embed schemas.lock
//	var lock []byte
//
//	reg, err := registry.New(registry.Config{URLs: []string{"https://registry:8081"}},
//		registry.WithLock(lock))
//	...
//	codec, err := registry.NewCodec(reg, registry.ValueSubject("plays"),
//		sr.Schema{Schema: playsAvro, Type: sr.TypeAvro}, inner) // such as the codec of avro.New
//	...
//	plays, err := event.New(p, "plays", codec)
//
// In front of each value is what readers expect: a zero byte, the ID of its schema, and for
// Protobuf the place of the message in its file. The package is a module of its own: go get it.
//
// # Where IDs come from
//
// The registry gives each schema an ID when a CI job registers it ("forebay schema register").
// Programs never register. They take the ID from, in this order:
//
//   - the lock file, which "forebay schema lock" writes and which is checked in beside the schemas.
//     It names a schema by its subject and its [Fingerprint]. If it has only other versions of the
//     schema, their IDs are not used, and an error is logged;
//   - the cache file, if Config.CacheFile names one: the IDs that an earlier run looked up;
//   - the registry itself, which is asked in the background.
//
// # While an ID is not known
//
// Nothing is sent with a guess. Events are accepted and wait in the producer's buffer, as
// producer.Hold describes: within its bound, without delaying others. They go with the right ID as
// soon as it is known. Events that expire first are lost with the reason schema unknown. Why they
// wait is in Stats().Troubles of the producer, on the page, and in the log.
//
// Look-ups go on until there is an answer or Close is called, one at a time for each subject. The
// pauses between them are random, 15 s on average and 30 s at most ([Config].MaxPause). So 10,000
// instances without an ID cost the registry some 1,300 requests a second. With the ID in a lock
// file these look-ups do not happen.
//
// # When the registry disagrees
//
// An ID of the lock file or of the cache is in use at once, and is compared with the registry once,
// in the background. Events that were sent before the answer keep their ID:
//
//   - If the registry has another ID for the schema, and this one does not stand for the schema
//     there, the registry's is used from then on. The lock file was written for another registry.
//   - If the registry does not know the schema, and the ID stands for another one there, readers
//     would decode with the wrong schema: events wait until the schema is registered.
//   - If the registry knows neither, the ID stays in use, and a warning is logged.
//   - If there is no answer, nothing changes.
//
// The first two log an error and count in Stats().Contradictions. Alert on that figure.
//
// # Subjects
//
// [ValueSubject] and [KeySubject] are the names that other clients use by default. [RecordSubject]
// and [TopicRecordSubject] are for topics with several kinds of events.
//
// # Keys
//
// Only values can wait for an ID. A key with a schema needs [Codec.AppendKnown], which returns an
// error while the ID is not known: have the ID in the lock file.
//
// # References
//
// A schema that imports others names them in sr.Schema.References, with the version that the
// registry has of each. They are a part of the fingerprint.
//
// # Concurrency
//
// All types but [Lock] are safe for concurrent use. New starts no goroutine. NewCodec starts one
// for each subject that has to be looked up or compared; it ends when that is done, or by Close.
//
// # Testing
//
// With a lock file and no URLs no registry is asked. Package pkg/sr/srfake of franz-go is a
// registry for tests; it calls every schema compatible.
package registry
