// Package producertest has a stand-in for a producer, for tests of code that sends events.
//
//	var r producertest.Recorder
//	service := shop.New(&r) // that takes a producer.Sender
//	service.Order(17)
//	r.RequireSent(t, producertest.Want{Topic: "orders", Value: []byte("order 17")})
//
// A [Recorder] has the methods of a *producer.Producer that send, and sends nothing. What it gets,
// it copies and keeps. Without a script every record is delivered. A script has it refuse records,
// or lose them:
//
//	r.Script("orders", producertest.Refuse(producer.ErrBufferFull), producertest.Deliver())
//
// To test with Kafka's protocol as well, use a real producer with an embedded Kafka such as
// franz-go's kfake.
//
// # Concurrency
//
// A Recorder is safe for concurrent use. Its zero value is ready. It must not be copied.
package producertest
