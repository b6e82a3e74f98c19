// Package producer is the front door: it takes events and gets them to Kafka, whatever Kafka's
// health.
//
//	p, err := producer.New(producer.Config{
//		Clusters: map[string]producer.ClusterConfig{"events": {Brokers: []string{"127.0.0.1:9092"}}},
//	})
//	err = p.Send(producer.Record{Topic: "plays", Value: []byte("...")})
//	summary, err := p.Close(ctx)
//
// [Producer.Send] never waits, [New] does no I/O, what waits is bounded by [BufferConfig].MaxBytes,
// and when a cluster comes back its records flow again by themselves.
//
// # Ordering
//
// Records with a key that one goroutine sends keep their order, for each key, in a cluster. Records
// WITHOUT a key have NO ORDER at all, not even those of one goroutine to a topic of one partition:
// they go wherever a broker is free now. Give records that belong together the same key, or the
// same [Record].Partition: records that one goroutine sends to a partition that it chose keep their
// order too, but not with records whose partition the key decides. Priorities overtake each other:
// what belongs together needs the same priority. What was overtaken is counted in
// [Traffic].OrderAtRisk.
//
// # Outcomes
//
// Every accepted record gets exactly one [Outcome]: delivered, shed, expired, rejected or possibly
// persisted, and until then it is pending. [Producer.Stats] has the books, [WithDelivery] reports
// each record.
//
// # Duplicates
//
// Batches are numbered (idempotence) and retried where they were written first, so a retry leaves
// no duplicate. Where that cannot be, because the partition went away with the answer, the records
// are counted as maybe duplicated.
//
// # When full
//
// All priorities share one memory. Where it is full, a Send has the lowest priority give up what
// has waited there longest, down to its guarantee ([PriorityConfig].GuaranteedShare). When nothing
// lower is left it returns [ErrBufferFull] at once, or drops the oldest of its own priority, as
// [PriorityConfig].WhenFull says. What was given up is counted as shed, with its reason, and
// reported without the record. No topic keeps more than half of what its priority may hold while
// others want room; a rule's MaxShare can say less.
//
// # Concurrency
//
// A Producer is safe for concurrent use.
package producer
