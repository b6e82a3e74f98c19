// Package producertest has a stand-in for a producer, for tests of code that sends events.
//
//	var r producertest.Recorder
//	service := shop.New(&r) // New takes a producer.Sender
//	service.Order(17)
//	r.RequireSent(t, producertest.Want{Topic: "orders", Value: []byte("order 17")})
//
// A [Recorder] has Send, SendFunc, SendWait, Flush and Close of a *producer.Producer, but it sends
// nothing: it keeps copies of the records. Without a script every record is delivered. A script has
// it refuse records, lose them, or hold them until Release:
//
//	r.Script("orders", producertest.Refuse(producer.ErrBufferFull), producertest.Deliver())
//	r.Script("plays", producertest.Hold())
//	r.Release(producertest.Expire())
//
// A record with a Hold (producer.Record.Hold) gets what its script says when the Hold is released.
// Until then Records returns it as it was sent, with its Hold; from then on with the patch in its
// value, and without. A script can have it lost before:
//
//	r.Script("plays", producertest.Lose(producer.Expired, producer.ReasonSchemaUnknown))
//
// Callbacks run on another goroutine, as with a producer. Call Flush before you look at what they
// have done.
//
// A Recorder has no settings and no options, so it knows no limits, rules or interceptors. Test an
// interceptor by calling its function.
//
// To test with Kafka's protocol as well, use a real producer with an embedded Kafka such as
// franz-go's kfake.
//
// # Concurrency
//
// A Recorder is safe for concurrent use. Its zero value is ready. It must not be copied.
package producertest
