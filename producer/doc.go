// Package producer is the front door: it accepts records and delivers them to Kafka, whatever
// Kafka's health.
//
//	p, err := producer.New(producer.Config{
//		Clusters: map[string]producer.ClusterConfig{
//			"events": {Brokers: []string{"127.0.0.1:9092"}},
//		},
//	})
//	err = p.Send(producer.Record{Topic: "plays", Value: []byte("...")})
//	summary, err := p.Close(ctx)
//
// [Producer.Send] never waits, and [New] does no I/O. [BufferConfig].MaxBytes bounds what waits.
// When a cluster comes back, its records flow again by themselves.
//
// # Ordering
//
// Records with the same key, sent by one goroutine with the same priority, keep their order in a
// cluster. So do records for the same chosen partition ([Record].Partition). Records WITHOUT a key
// have NO ORDER, not even in a topic with one partition: they go wherever a broker is free. Records
// that may stand behind newer ones of their key are counted in [Traffic].OrderAtRisk.
//
// # Outcomes
//
// Every accepted record gets exactly one [Outcome]: delivered, shed, expired, rejected or possibly
// persisted. Until then it is pending. [Producer.Stats] counts them. [WithDelivery] reports each
// record to one callback, and [Producer.SendFunc] one record to a callback of its own.
// [Producer.SendWait] waits for the outcome; it is for tools and tests.
//
// # Duplicates
//
// Batches carry sequence numbers (idempotence) and are retried where they were written first, so a
// retry leaves no duplicate. If the partition is lost together with the answer, the records may be
// written twice; they are counted as maybe duplicated.
//
// # When full
//
// All priorities share one memory. When it is full, Send has the lowest priority give up its oldest
// batches, down to its guarantee ([PriorityConfig].GuaranteedShare). When lower priorities have
// nothing left, Send returns [ErrBufferFull] at once, or drops the oldest batch of its own priority
// ([PriorityConfig].WhenFull). What was given up counts as shed, and its reports carry no record. A
// topic keeps at most half of what its priority may hold while other topics want room.
//
// # Every record
//
// [WithInterceptor] has a function called for each record before it is accepted, for example to add
// headers.
//
// # Before a deploy
//
// [Config.Preflight] and [Producer.Preflight] ask the clusters whether records would be delivered,
// and say what is wrong and what to do.
//
// # Testing
//
// Package producertest has a stand-in for a Producer.
//
// # Concurrency
//
// A Producer is safe for concurrent use.
package producer
