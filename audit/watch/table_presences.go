package watch

import (
	"github.com/forebay-go/forebay/audit"
	"github.com/forebay-go/forebay/metrics"
)

// presences returns the metrics of who takes part in the audit.
func presences() []row {
	return []row{{metrics.Metric{
		Name: "forebay_audit_participants", Kind: metrics.Gauge, Unit: metrics.Condition,
		Labels: []string{"kind", "state"},
		Help: "Starts of instances, and readers, within two days: live, ended, or silent (three " +
			"statements are missing, and it did not say that it ends).",
		Question: "Is anybody silent?",
		From: []string{"Presence.Name", "Presence.Ended", "Presence.Quiet",
			"Presence.Silent"},
	}, readParticipants}, {metrics.Metric{
		Name: "forebay_audit_unstated_records", Kind: metrics.Gauge, Unit: metrics.Records,
		Help:     "Records whose fate their instance could not state.",
		Question: "Do instances know what became of their records?",
		From:     []string{"Presence.Unstated"},
	}, func(l *look, e *emitter) {
		if l.Report == nil {
			return
		}
		unstated := uint64(0)
		for i := range l.Report.Sources {
			unstated += l.Report.Sources[i].Unstated
		}
		e.value(float64(unstated))
	}}, {metrics.Metric{
		Name: "forebay_audit_wrong_statements", Kind: metrics.Gauge, Unit: metrics.Records,
		Help: "Records of the statement topic that are no statements of this version, since this " +
			"instance began.",
		Question: "Does somebody else write to the statement topic?",
		From:     []string{"Report.Wrong"},
	}, func(l *look, e *emitter) {
		if l.Report != nil {
			e.value(float64(l.Report.Wrong))
		}
	}}}
}

func readParticipants(l *look, e *emitter) {
	if l.Report == nil {
		return
	}
	for _, of := range []struct {
		kind string
		list []audit.Presence
	}{{"instance", l.Report.Sources}, {"reader", l.Report.Readers}} {
		count := make(map[string]int)
		for i := range of.list {
			count[stateOf(&of.list[i])]++
		}
		for _, state := range []string{"live", "ended", "silent"} {
			e.value(float64(count[state]), of.kind, state)
		}
	}
}

func stateOf(p *audit.Presence) string {
	switch {
	case p.Ended:
		return "ended"
	case p.Silent:
		return "silent"
	}
	return "live"
}
