package watch

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/audit"
	"github.com/forebay-go/forebay/metrics"
)

var update = flag.Bool("update", false, "write docs/audit-metrics.md anew")

// notShown are the fields that have no metric, and why.
var notShown = map[string]string{
	"Presence.Run": "with the name, one start", "Presence.Started": "words",
	"BrokerReport.Host":       "words",
	"BrokerReport.Partitions": "the broker's histograms have them", "BrokerReport.Past": "Prometheus keeps a past",
	"ReadTopic.Topic": "a label", "LoadStats.Topic": "a label", "LoadStats.LastFail": "words",
	"PartitionReport.Topic": "a label", "PartitionReport.Partition": "topics are enough",
	"PartitionReport.Next":    "how far is forebay_audit_unread_records",
	"PartitionReport.Skipped": "forebay_audit_unchecked_records counts the records",
	"PartitionReport.Waiting": "forebay_audit_open_records counts the records",
}

func TestTable_EveryFieldHasAMetricOrAReason(t *testing.T) {
	shown := make(map[string]bool)
	for _, m := range Table() {
		require.NotEmpty(t, m.From, m.Name)
		for _, field := range m.From {
			require.False(t, shown[field], "twice: %s", field)
			shown[field] = true
		}
	}
	for _, of := range []reflect.Type{reflect.TypeFor[audit.Counts](), reflect.TypeFor[audit.Presence](),
		reflect.TypeFor[audit.PartitionReport](), reflect.TypeFor[audit.BrokerReport](),
		reflect.TypeFor[audit.LoadStats](), reflect.TypeFor[audit.ReadTopic]()} {
		for f := range of.Fields() {
			name := of.Name() + "." + f.Name
			require.NotEqual(t, shown[name], notShown[name] != "", "%s wants a metric, or a reason", name)
		}
	}
}

func TestTable_NamesFollowTheRulesOfPrometheus(t *testing.T) {
	names := make(map[string]bool)
	for _, m := range Table() {
		require.Regexp(t, `^forebay_audit_[a-z]+(_[a-z]+)*$`, m.Name)
		require.False(t, names[m.Name], m.Name)
		names[m.Name] = true
		require.Equal(t, m.Kind == metrics.Counter, strings.HasSuffix(m.Name, "_total"), m.Name)
		require.Equal(t, m.Unit == metrics.Seconds, strings.HasSuffix(m.Name, "_seconds"), m.Name)
		require.True(t, strings.HasSuffix(m.Help, "."), m.Name)
		require.True(t, strings.HasSuffix(m.Question, "?"), m.Name)
		for _, label := range m.Labels {
			require.NotContains(t, []string{"partition", "bucket", "instance"}, label, m.Name)
		}
	}
}

// values returns the samples by name and labels.
func values(s audit.Snapshot) map[string]float64 {
	all := make(map[string]float64)
	for _, sample := range of(s).Read() {
		key := sample.Metric.Name + fmt.Sprint(sample.Labels)
		if _, twice := all[key]; twice || len(sample.Labels) != len(sample.Metric.Labels) {
			panic(key)
		}
		all[key] = sample.Value
		if sample.Histogram != nil {
			all[key] = float64(sample.Histogram.Count())
		}
	}
	return all
}

// Each number of an account has a value of its own, and is found under its name.
func TestMetrics_AreWhatTheReportSays(t *testing.T) {
	s := change(func(s *audit.Snapshot) {
		s.Report.Rows = s.Report.Rows[2:]
		row := &s.Report.Rows[0]
		row.Counts = audit.Counts{Reasons: row.Reasons}
		v := reflect.ValueOf(&row.Counts).Elem()
		for i := range v.NumField() {
			if v.Field(i).Kind() == reflect.Uint64 {
				v.Field(i).SetUint(uint64(1000 + i))
			}
		}
		row.Delivered = 100_000
		s.Report.Sources[0].Silent, s.Report.Sources[1].Unstated = true, 5
		s.Report.Readers[0].Ended, s.Report.Wrong = true, 8
		s.Brokers[0].State, s.Brokers[0].Failed = audit.Slow, 6
		s.Loads[0].Refused, s.Loads[0].Late = 9, 1_500_000_000
	})
	c, got := s.Report.Rows[0].Counts, values(s)
	for key, want := range map[string]float64{
		"verdict[faulty]": 1, "verdict[whole]": 0, "verdict[inconclusive]": 0,
		"completeness_ratio[plays]": c.Completeness(), "decided_records[plays]": float64(c.Decided()),
		"numbered_records[plays]":          float64(c.Numbered),
		"outcome_records[plays delivered]": 100_000, "outcome_records[plays shed]": float64(c.Shed),
		"outcome_records[plays expired]":            float64(c.Expired),
		"outcome_records[plays rejected]":           float64(c.Rejected),
		"outcome_records[plays possibly_persisted]": float64(c.PossiblyPersisted),
		"outcome_records[plays refused]":            float64(c.Refused),
		"outcome_records[plays none]":               float64(c.Unsettled),
		"open_records[plays]":                       float64(c.Open()), "stuck_records[plays]": 0, "lost_records[plays]": float64(c.Lost),
		"duplicate_records[plays yes]": float64(c.Explained), "duplicate_records[plays no]": float64(c.Unexplained),
		"copies[plays]": float64(c.Copies), "out_of_order_records[plays]": float64(c.OutOfOrder),
		"contradicted_records[plays]":           float64(c.Contradicted),
		"unchecked_records[plays skipped]":      float64(c.Skipped),
		"unchecked_records[plays elsewhere]":    float64(c.Elsewhere),
		"possibly_persisted_records[plays yes]": float64(c.Persisted),
		"possibly_persisted_records[plays no]":  float64(c.NotPersisted),
		"participants[instance silent]":         1, "participants[instance live]": 1, "participants[reader ended]": 1,
		"unstated_records[]": 5, "wrong_statements[]": 8, "latency_seconds[orders one]": 1000,
		"latency_seconds[orders two]": 0, "latency_seconds[plays two]": 1000, "unread_records[orders]": 12,
		"reader_partitions[orders]": 6, "read_records_total[yes]": 2_001_500, "read_records_total[no]": 100,
		"unnumbered_records[orders missing]": 3, "unnumbered_records[orders garbled]": 4,
		"broker_state[1 slow]": 1, "broker_state[1 well]": 0, "heartbeats_total[1]": 3600,
		"broker_state_timestamp_seconds[1]": unix(s.Brokers[0].Since),
		"heartbeat_failures_total[1]":       6, "heartbeat_acknowledgement_seconds[1]": 1000,
		"heartbeat_read_seconds[1]": 1000, "load_sent_records_total[orders]": 2_001_000,
		"load_refused_records_total[orders]": 9, "load_late_seconds[orders]": 1.5,
		"undelivered_records[too_large]": 0,
	} {
		require.Contains(t, got, "forebay_audit_"+key)
		require.InDelta(t, want, got["forebay_audit_"+key], 1e-9, key)
	}
	require.NotContains(t, got, "forebay_audit_completeness_ratio[orders]", "nothing of it is decided")
	stuck := values(change(func(s *audit.Snapshot) { s.Report.Rows[0].Waiting = 7 }))
	require.Equal(t, 7.0, stuck["forebay_audit_stuck_records[orders]"])
}

// However many topics there are, 50 have series of their own, and keep them. The sum stays right.
func TestMetrics_AreBounded(t *testing.T) {
	p := newPlaces(ownSeries)
	var all []topic
	for i := range 200 {
		all = append(all, topic{name: fmt.Sprintf("t%03d", i), counts: counts(uint64(i))})
	}
	shown := p.see(all)
	require.Len(t, shown, ownSeries+1)
	require.Equal(t, "t150", shown[0].name, "those with the most records come first")
	require.Equal(t, uint64(149*150/2), shown[ownSeries].counts.Numbered)
	require.Equal(t, other, shown[ownSeries].name)
	all[0].counts = counts(1e9)
	require.Equal(t, "t150", p.see(all)[0].name, "each keeps its place")
	require.Len(t, p.see(all[:160]), ownSeries+1)
	require.Equal(t, "t000", p.see(all[:160])[0].name, "those that have gone make room")
	require.Len(t, p.see(append(all[:10:10], topic{name: other})), 11, "no name is there twice")
}

func TestTable_IsPrintedInTheDocuments(t *testing.T) {
	const path = "../../docs/audit-metrics.md"
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(printed()), 0o644))
	}
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, printed(), string(text), "go test ./watch -update, in audit/, writes it")
}

func printed() string {
	var b strings.Builder
	b.WriteString("# Metrics of the audit\n\n" +
		"Written by `go test ./watch -update`, in `audit/`, from the tables in `audit/watch`. Do not\n" +
		"edit it. [audit.md](audit.md#watch-the-audit) says how to serve these metrics.\n\n" +
		"Most are gauges: they are about the buckets since the instance began, two days at most. " +
		"`topic`\nhas at most 51 values, one of which is `other`.\n\n" +
		"| question | metric | kind | labels | what it is |\n|---|---|---|---|---|\n")
	for _, m := range Table() {
		var labels []string
		for _, label := range m.Labels {
			labels = append(labels, "`"+label+"`")
		}
		fmt.Fprintf(&b, "| %s | `%s` | %v | %s | %s |\n", m.Question, m.Name, m.Kind,
			strings.Join(labels, ", "), m.Help)
	}
	return b.String()
}
