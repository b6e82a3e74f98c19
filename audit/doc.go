// Package audit proves that records reach Kafka and stay there, or finds out which do not.
//
// A [Source] numbers the records of a producer, in a header, and states what became of each number.
// A [Reader] reads topics, and states which numbers it has seen, and where. Statements go to a
// topic of their own. A [Ledger] puts them together: it finds records that Kafka has acknowledged
// and that are not there, that are there twice, and that are out of order.
//
// To audit the records of a service:
//
//	source, err := audit.NewSource(audit.SourceConfig{
//		Topics: []audit.TopicShare{{Topic: "plays"}},
//	})
//	p, err := producer.New(config, producer.WithObserver(source))
//	source.Start(p)
//
// and somewhere else, with a file that says what to read:
//
//	forebay audit run audit.yaml
//
// An [Agent] is what that command runs. It can make traffic of its own, too.
//
// # Verdicts
//
// A record is lost if its producer got an acknowledgement for it, readers have read past the offset
// that this named, and no reader has ever seen its number. Where Kafka had deleted the offset
// before a reader came, by retention or by compaction, the record is skipped and not lost. A record
// that is in another cluster than the one that is read is elsewhere. One that is in the log more
// than once is explained if its producer has counted it as maybe duplicated. Possibly persisted
// records are looked for until readers have read everything that was in the topic 15 seconds later.
//
// No verdict about a record depends on a clock. A [Bucket] is a row of the report, by the clock of
// the instance that sent its records; it closes when its source has stated the fate of all its
// numbers, and readers are past them.
//
// # Statements
//
// There is no database and no coordinator, only a compacted topic. Each statement says all that was
// known about its subject, not what has changed, so it does not matter whether one is lost,
// repeated, late, or made by two readers. A reader that dies is replaced by one that begins where
// its statements end. A ledger that starts anew reads the topic from its beginning.
//
// # What it costs
//
// A record takes 59 bytes more in Kafka before compression, and 16 bytes more of the buffer while
// it waits. Send takes 100 to 200 ns more, and its delivery report 100 to 300. Where records have
// no keys, or come in order, statements take a few bytes for each batch; where keys scatter them
// over partitions, up to 7 bytes a record. They have low priority. If they cannot be delivered, the
// audit knows less, and says so; the audited records are not touched.
//
// # Limits
//
// An interceptor, a proxy or a consumer that copies records with their headers to another topic
// copies the numbers, too: audit one of the two. A service that audits what it sends may pass
// headers on: the last number of a record counts. Two instances that run at the same time need
// different names. Statements and topics may be in different clusters, but all statements go to the
// cluster of low priority, which should have no fallback. Topics with the same name in two clusters
// need two statement topics, one for the readers of each. Transactions that were aborted count as
// read. Interceptors and WithDelivery of the producer that Start gets see the statements, too: give
// Start a producer of its own if they should not.
package audit
