package watch

import "github.com/forebay-go/forebay/metrics"

// reading returns the metrics of the reader of this instance, and of what readers have read.
func reading() []row {
	return []row{{metrics.Metric{
		Name: "forebay_audit_latency_seconds", Kind: metrics.Histogram, Unit: metrics.Seconds,
		Labels: []string{"topic", "clocks"},
		Help: "How long audited records took, from when they were to be sent until the reader of " +
			"this instance got them. With one clock, this process has sent them, too. With two, " +
			"the difference of the clocks is part of it.",
		Question: "How long does a record take until a consumer has it?",
		From:     []string{"ReadTopic.OneClock", "ReadTopic.TwoClocks"},
	}, func(l *look, e *emitter) {
		for i := range l.topics {
			if t := &l.topics[i]; t.isRead {
				e.times(t.read.OneClock, t.name, "one")
				e.times(t.read.TwoClocks, t.name, "two")
			}
		}
	}}, {metrics.Metric{
		Name: "forebay_audit_unread_records", Kind: metrics.Gauge, Unit: metrics.Records,
		Labels: []string{"topic"},
		Help: "Records behind the position of the reader of this instance, in the partitions " +
			"that it was assigned.",
		Question: "How far behind is the reader?",
		From:     []string{"ReadTopic.Unread"},
	}, byRead(func(t *topic) float64 { return float64(t.read.Unread) })}, {metrics.Metric{
		Name: "forebay_audit_reader_partitions", Kind: metrics.Gauge, Unit: metrics.Condition,
		Labels:   []string{"topic"},
		Help:     "Partitions that the reader of this instance was assigned.",
		Question: "How many partitions does it read?",
		From:     []string{"ReadTopic.Partitions"},
	}, byRead(func(t *topic) float64 { return float64(t.read.Partitions) })}, {metrics.Metric{
		Name: "forebay_audit_read_records_total", Kind: metrics.Counter, Unit: metrics.Records,
		Labels: []string{"numbered"},
		Help: "Records that the reader of this instance has read, with a number (yes) or without " +
			"(no).",
		Question: "Does it read anything?",
		From:     []string{"Snapshot.Read", "Snapshot.Numbered"},
	}, func(l *look, e *emitter) {
		if l.Report != nil {
			e.value(float64(l.Numbered), "yes")
			e.value(float64(l.Read-min(l.Read, l.Numbered)), "no")
		}
	}}, {metrics.Metric{
		Name: "forebay_audit_unnumbered_records", Kind: metrics.Gauge, Unit: metrics.Records,
		Labels: []string{"topic", "header"},
		Help: "Records that readers have found without a number: their header is missing, or " +
			"garbled.",
		Question: "Does somebody send records that are not audited?",
		From:     []string{"PartitionReport.Bare", "PartitionReport.Garbled"},
	}, func(l *look, e *emitter) {
		for i := range l.topics {
			t := &l.topics[i]
			e.value(float64(t.bare), t.name, "missing")
			e.value(float64(t.garbled), t.name, "garbled")
		}
	}}}
}

// byRead reads one number of each topic that the reader of this instance reads.
func byRead(number func(*topic) float64) func(*look, *emitter) {
	return func(l *look, e *emitter) {
		for i := range l.topics {
			if l.topics[i].isRead {
				e.value(number(&l.topics[i]), l.topics[i].name)
			}
		}
	}
}
