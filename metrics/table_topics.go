package metrics

// topicBooks returns the metrics of the records of each topic in use.
func topicBooks() []Metric {
	return []Metric{{
		Name: "forebay_topics", Kind: Gauge, Unit: Topics,
		Labels: []string{"priority"},
		Help: "Topics in use: those that had a record within the last ten minutes, or hold " +
			"one.",
		Question: "How many topics are there?",
		From:     []string{"Topics.Topic", "Topics.Priority"},
		read: func(v *view, emit emit) {
			n := make(map[string]int)
			for i := range v.Topics {
				n[v.Topics[i].Priority.String()]++
			}
			for priority := range v.eachPriority() {
				emit(float64(n[priority]), priority)
			}
		},
	}, {
		Name: "forebay_topic_accepted_records_total", Kind: Counter, Unit: Records,
		Labels:   []string{"topic"},
		Help:     "Records that Send accepted, by topic.",
		Question: "Which topic sends how much?",
		From:     []string{"Topics.Accepted"},
		read:     byTopic(func(r *topicRow) float64 { return float64(r.books.Accepted) }),
	}, {
		Name: "forebay_topic_records_total", Kind: Counter, Unit: Records,
		Labels:   []string{"topic", "outcome"},
		Help:     "Accepted records that have an outcome, by topic.",
		Question: "Which topics lose records?",
		From: []string{"Topics.Delivered", "Topics.Shed", "Topics.Expired", "Topics.Rejected",
			"Topics.PossiblyPersisted", "Topics.lost"},
		read: func(v *view, emit emit) {
			for i := range v.rows {
				for outcome, n := range outcomes(&v.rows[i].books) {
					emit(float64(n), v.rows[i].name, outcome)
				}
			}
		},
	}, {
		Name: "forebay_topic_no_room_records_total", Kind: Counter, Unit: Records,
		Labels:   []string{"topic"},
		Help:     "Records that Send refused because the buffer was full, by topic.",
		Question: "Which topics find the buffer full?",
		From:     []string{"Topics.Refused"},
		read:     byTopic(func(r *topicRow) float64 { return float64(r.books.Refused) }),
	}, {
		Name: "forebay_topic_maybe_duplicated_records_total", Kind: Counter, Unit: Records,
		Labels: []string{"topic"},
		Help: "Accepted records that were written again although the earlier attempt may have " +
			"succeeded, by topic.",
		Question: "Where may duplicates be?",
		From:     []string{"Topics.MaybeDuplicated"},
		read:     byTopic(func(r *topicRow) float64 { return float64(r.books.MaybeDuplicated) }),
	}}
}

// topicState returns the metrics of the records that wait in each topic.
func topicState() []Metric {
	return []Metric{{
		Name: "forebay_topic_pending_records", Kind: Gauge, Unit: Records,
		Labels:   []string{"topic"},
		Help:     "Accepted records without an outcome yet, by topic.",
		Question: "Which topics have records waiting?",
		From:     []string{"Topics.Pending"},
		read:     byTopic(func(r *topicRow) float64 { return float64(r.books.Pending) }),
	}, {
		Name: "forebay_topic_buffer_bytes", Kind: Gauge, Unit: Bytes,
		Labels:   []string{"topic"},
		Help:     "Bytes held by the batches of a topic and by their unread reports.",
		Question: "Which topics fill the buffer?",
		From:     []string{"Topics.Held"},
		read:     byTopic(func(r *topicRow) float64 { return float64(r.held) }),
	}, {
		Name: "forebay_topic_troubled", Kind: Gauge, Unit: Topics,
		Labels: []string{"topic"},
		Help: "1 if records of the topic wait although their cluster answers, else 0. For the " +
			"topic other it is the number of such topics. forebay_troubles has the causes.",
		Question: "Which topics wait while Kafka is reachable?",
		From:     []string{"Topics.Trouble"},
		read:     byTopic(func(r *topicRow) float64 { return float64(r.trouble) }),
	}}
}
