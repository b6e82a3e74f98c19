package watch

import "github.com/forebay-go/forebay/metrics"

// findings returns the metrics of what is wrong with records, or not known of them.
func findings() []row {
	return []row{{metrics.Metric{
		Name: "forebay_audit_lost_records", Kind: metrics.Gauge, Unit: metrics.Records,
		Labels: []string{"topic"},
		Help: "Records that Kafka has acknowledged and that are not in the log although readers " +
			"have passed them.",
		Question: "Is anything lost?",
		From:     []string{"Counts.Lost"},
	}, byTopic(func(t *topic) float64 { return float64(t.counts.Lost) })}, {metrics.Metric{
		Name: "forebay_audit_duplicate_records", Kind: metrics.Gauge, Unit: metrics.Records,
		Labels: []string{"topic", "explained"},
		Help: "Records that are in the log more than once. Explained is yes if their producer " +
			"has counted them as maybe duplicated, else no.",
		Question: "Is anything there twice?",
		From:     []string{"Counts.Explained", "Counts.Unexplained"},
	}, func(l *look, e *emitter) {
		for i := range l.topics {
			t := &l.topics[i]
			e.value(float64(t.counts.Explained), t.name, "yes")
			e.value(float64(t.counts.Unexplained), t.name, "no")
		}
	}}, {metrics.Metric{
		Name: "forebay_audit_copies", Kind: metrics.Gauge, Unit: metrics.Records,
		Labels:   []string{"topic"},
		Help:     "Sightings of records beyond the first. A record that is there thrice has two.",
		Question: "How often are they there?",
		From:     []string{"Counts.Copies"},
	}, byTopic(func(t *topic) float64 { return float64(t.counts.Copies) })}, {metrics.Metric{
		Name: "forebay_audit_out_of_order_records", Kind: metrics.Gauge, Unit: metrics.Records,
		Labels:   []string{"topic"},
		Help:     "Records behind a later one of their key.",
		Question: "Is the order of keys kept?",
		From:     []string{"Counts.OutOfOrder"},
	}, byTopic(func(t *topic) float64 { return float64(t.counts.OutOfOrder) })}, {metrics.Metric{
		Name: "forebay_audit_contradicted_records", Kind: metrics.Gauge, Unit: metrics.Records,
		Labels: []string{"topic"},
		Help: "Records that are in the log although their producer has called them shed, " +
			"expired, rejected or refused.",
		Question: "Is anything there that was called lost?",
		From:     []string{"Counts.Contradicted"},
	}, byTopic(func(t *topic) float64 { return float64(t.counts.Contradicted) })}, {metrics.Metric{
		Name: "forebay_audit_unchecked_records", Kind: metrics.Gauge, Unit: metrics.Records,
		Labels: []string{"topic", "why"},
		Help: "Delivered records that nobody can look for: skipped, for retention had deleted " +
			"them or reading began behind them; or elsewhere, in another cluster.",
		Question: "Which records could not be checked?",
		From:     []string{"Counts.Skipped", "Counts.Elsewhere"},
	}, func(l *look, e *emitter) {
		for i := range l.topics {
			t := &l.topics[i]
			e.value(float64(t.counts.Skipped), t.name, "skipped")
			e.value(float64(t.counts.Elsewhere), t.name, "elsewhere")
		}
	}}, {metrics.Metric{
		Name: "forebay_audit_possibly_persisted_records", Kind: metrics.Gauge,
		Unit:   metrics.Records,
		Labels: []string{"topic", "found"},
		Help: "Possibly persisted records that were looked for: found in the log (yes) or not " +
			"(no).",
		Question: "What became of possibly persisted records?",
		From:     []string{"Counts.Persisted", "Counts.NotPersisted"},
	}, func(l *look, e *emitter) {
		for i := range l.topics {
			t := &l.topics[i]
			e.value(float64(t.counts.Persisted), t.name, "yes")
			e.value(float64(t.counts.NotPersisted), t.name, "no")
		}
	}}}
}
