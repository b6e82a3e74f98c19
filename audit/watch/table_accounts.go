package watch

import (
	"strings"

	"github.com/forebay-go/forebay/audit"
	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/metrics"
)

// accounts returns the metrics of what is known of the records of each topic.
func accounts() []row {
	return []row{{metrics.Metric{
		Name: "forebay_audit_verdict", Kind: metrics.Gauge, Unit: metrics.Condition,
		Labels:   []string{"verdict"},
		Help:     "1 for the present verdict, 0 for the others: whole, faulty and inconclusive.",
		Question: "Is every record there?",
		From:     []string{"Report.Rows.Topic"},
	}, func(l *look, e *emitter) {
		if l.Report == nil {
			return
		}
		now := l.Report.Verdict()
		for _, v := range []audit.Verdict{audit.Whole, audit.Faulty, audit.Inconclusive} {
			e.is(v == now, string(v))
		}
	}}, {metrics.Metric{
		Name: "forebay_audit_completeness_ratio", Kind: metrics.Gauge, Unit: metrics.Condition,
		Labels: []string{"topic"},
		Help: "Part of the decided records that is in the log, 0 to 1. No series while nothing " +
			"is decided.",
		Question: "How complete is each topic?",
		From:     []string{"Counts.Seen"},
	}, func(l *look, e *emitter) {
		for i := range l.topics {
			if t := &l.topics[i]; t.counts.Decided() > 0 {
				e.value(t.counts.Completeness(), t.name)
			}
		}
	}}, {metrics.Metric{
		Name: "forebay_audit_decided_records", Kind: metrics.Gauge, Unit: metrics.Records,
		Labels:   []string{"topic"},
		Help:     "Delivered records of which it is known whether they are in the log.",
		Question: "How many records is that about?",
		From:     []string{"Counts.Waiting", "Counts.Suspect"},
	}, byTopic(func(t *topic) float64 { return float64(t.counts.Decided()) })}, {metrics.Metric{
		Name: "forebay_audit_numbered_records", Kind: metrics.Gauge, Unit: metrics.Records,
		Labels:   []string{"topic"},
		Help:     "Records that got a number, as far as their sources have stated it.",
		Question: "How many records are audited?",
		From:     []string{"Counts.Numbered"},
	}, byTopic(func(t *topic) float64 { return float64(t.counts.Numbered) })}, {metrics.Metric{
		Name: "forebay_audit_outcome_records", Kind: metrics.Gauge, Unit: metrics.Records,
		Labels: []string{"topic", "outcome"},
		Help: "Numbered records by what became of them: delivered, shed, expired, rejected, " +
			"possibly_persisted or refused; and none for those without an outcome.",
		Question: "What do their producers say of them?",
		From: []string{"Counts.Delivered", "Counts.Shed", "Counts.Expired", "Counts.Rejected",
			"Counts.PossiblyPersisted", "Counts.Refused", "Counts.Unsettled"},
	}, readOutcomes}, {metrics.Metric{
		Name: "forebay_audit_undelivered_records", Kind: metrics.Gauge, Unit: metrics.Records,
		Labels:   []string{"reason"},
		Help:     "Records that were not, or perhaps not, delivered, by reason. Of all topics.",
		Question: "Why were records not delivered?",
		From:     []string{"Counts.Reasons"},
	}, readReasons}, {metrics.Metric{
		Name: "forebay_audit_open_records", Kind: metrics.Gauge, Unit: metrics.Records,
		Labels: []string{"topic"},
		Help: "Records that are not decided: without an outcome, not read, or without a " +
			"statement of their producer.",
		Question: "How many records are on their way?",
		From:     []string{"Counts.Unclaimed", "Counts.Unresolved"},
	}, byTopic(func(t *topic) float64 { return float64(t.counts.Open()) })}, {metrics.Metric{
		Name: "forebay_audit_stuck_records", Kind: metrics.Gauge, Unit: metrics.Records,
		Labels: []string{"topic"},
		Help: "Open records whose instance is silent or has ended, whose topic nobody reads, or " +
			"that are older than two buckets.",
		Question: "Which of them are overdue?",
		From:     []string{"Report.Rows.Live"},
	}, byTopic(func(t *topic) float64 { return float64(t.stuck) })}}
}

func readOutcomes(l *look, e *emitter) {
	for i := range l.topics {
		c, name := &l.topics[i].counts, l.topics[i].name
		e.value(float64(c.Delivered), name, "delivered")
		e.value(float64(c.Shed), name, "shed")
		e.value(float64(c.Expired), name, "expired")
		e.value(float64(c.Rejected), name, "rejected")
		e.value(float64(c.PossiblyPersisted), name, "possibly_persisted")
		e.value(float64(c.Refused), name, "refused")
		e.value(float64(c.Unsettled), name, "none")
	}
}

func readReasons(l *look, e *emitter) {
	if l.Report == nil {
		return
	}
	for reason := range delivery.Reasons {
		label := strings.ReplaceAll(reason.String(), " ", "_")
		e.value(float64(l.Report.Total.Reasons[reason]), label)
	}
}
