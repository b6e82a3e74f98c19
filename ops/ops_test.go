package ops_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/otlptranslator"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/audit"
	"github.com/forebay-go/forebay/audit/watch"
	"github.com/forebay-go/forebay/metrics"
	"github.com/forebay-go/forebay/metrics/otel"
	"github.com/forebay-go/forebay/metrics/prom"
	"github.com/forebay-go/forebay/producer"
)

var promql = parser.NewParser(parser.Options{})

// rulesOf returns the alert rules of the file, as Prometheus reads them.
func rulesOf(t *testing.T) (all []rulefmt.Rule) {
	t.Helper()
	groups, errs := rulefmt.ParseFile("alerts.yaml", false, model.UTF8Validation, promql,
		slog.New(slog.DiscardHandler))
	require.Empty(t, errs)
	for _, g := range groups.Groups {
		all = append(all, g.Rules...)
	}
	require.NotEmpty(t, all)
	return all
}

// known is what there is to ask for: the metrics of the table, and the values that their labels can
// have.
type known struct {
	metrics map[string]metrics.Metric // by what is asked for: of a histogram, that is three names
	values  map[string][]string       // of labels whose values are ours
}

// ours are the labels whose values are ours, and not the application's or Kafka's.
var ours = []string{"priority", "outcome", "reason", "error", "state", "explained", "why", "found",
	"kind", "verdict", "header", "clocks", "numbered"}

// ofTargets are the labels that Prometheus gives to what it scrapes.
var ofTargets = []string{"job", "instance"}

func whatIsKnown(t *testing.T) known {
	k := known{metrics: make(map[string]metrics.Metric), values: make(map[string][]string)}
	for _, m := range slices.Concat(metrics.Table(), watch.Table()) {
		if m.Kind != metrics.Histogram {
			k.metrics[m.Name] = m
			continue
		}
		for _, suffix := range []string{"_bucket", "_count", "_sum"} {
			k.metrics[m.Name+suffix] = m
		}
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(prom.New(func() producer.Stats { return quiet().Stats }, prom.Options{}),
		prom.Of(watch.New(func() audit.Snapshot { return quiet().audit }), nil))
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, family := range families {
		for _, m := range family.Metric {
			for _, l := range m.Label {
				k.values[l.GetName()] = append(k.values[l.GetName()], l.GetValue())
			}
		}
	}
	return k
}

// check fails the test if an expression asks for what there is not: a metric, a label, or a value
// of a label that is ours.
func (k known) check(t *testing.T, expr string) (names []string) {
	t.Helper()
	node, err := promql.ParseExpr(expr)
	require.NoError(t, err, expr)
	allowed := slices.Concat(ofTargets, []string{"le"})
	parser.Inspect(node, func(node parser.Node, _ []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		m, ok := k.metrics[selector.Name]
		require.True(t, ok, "there is no metric %s: %s", selector.Name, expr)
		names = append(names, m.Name)
		allowed = append(allowed, m.Labels...)
		for _, matcher := range selector.LabelMatchers {
			if matcher.Name != model.MetricNameLabel {
				k.checkMatcher(t, &m, matcher, expr)
			}
		}
		return nil
	})
	parser.Inspect(node, func(node parser.Node, _ []parser.Node) error {
		if a, ok := node.(*parser.AggregateExpr); ok {
			for _, label := range a.Grouping {
				require.Contains(t, allowed, label, expr)
			}
		}
		return nil
	})
	return names
}

func (k known) checkMatcher(t *testing.T, m *metrics.Metric, matcher *labels.Matcher, expr string) {
	t.Helper()
	require.Contains(t, slices.Concat(m.Labels, ofTargets), matcher.Name,
		"%s has no such label: %s", m.Name, expr)
	if !slices.Contains(ours, matcher.Name) {
		return
	}
	for value := range strings.SplitSeq(matcher.Value, "|") {
		require.Contains(t, k.values[matcher.Name], value, "%s is never that: %s", matcher.Name,
			expr)
	}
}

func TestAlerts_AskForWhatThereIs(t *testing.T) {
	k, names := whatIsKnown(t), make(map[string]bool)
	for _, r := range rulesOf(t) {
		require.False(t, names[r.Alert], "twice: %s", r.Alert)
		names[r.Alert] = true
		shown := []string{}
		for _, name := range k.check(t, r.Expr) {
			for _, m := range slices.Concat(metrics.Table(), watch.Table()) {
				if m.Name == name {
					shown = append(shown, m.Labels...)
				}
			}
		}
		require.Contains(t, []string{"page", "ticket", "info"}, r.Labels["severity"], r.Alert)
		for _, label := range regexp.MustCompile(`\$labels\.(\w+)`).FindAllStringSubmatch(r.Annotations["summary"], -1) {
			require.Contains(t, shown, label[1], r.Alert)
		}
	}
}

// TestAlerts_EachHasAParagraphInTheRunbook, and no paragraph is about an alert that there is not.
func TestAlerts_EachHasAParagraphInTheRunbook(t *testing.T) {
	book, err := os.ReadFile("runbook.md")
	require.NoError(t, err)
	var anchors, wanted []string
	for part := range strings.SplitSeq(string(book), "\n## ") {
		heading, text, _ := strings.Cut(part, "\n")
		if strings.HasPrefix(heading, "Forebay") {
			anchors = append(anchors, strings.ToLower(heading))
			require.Greater(t, len(strings.Fields(text)), 20, heading)
		}
	}
	for _, r := range rulesOf(t) {
		anchor := strings.ToLower(r.Alert)
		require.Equal(t, "runbook.md#"+anchor, r.Annotations["runbook"])
		wanted = append(wanted, anchor)
	}
	require.ElementsMatch(t, wanted, anchors)
	for _, link := range regexp.MustCompile(`\]\(#(\w+)\)`).FindAllStringSubmatch(string(book),
		-1) {
		require.Contains(t, anchors, link[1])
	}
	for _, name := range regexp.MustCompile(`forebay_\w+`).FindAllString(string(book), -1) {
		require.Contains(t, whatIsKnown(t).metrics, name)
	}
}

// dashboard is what these tests want to know of dashboard.json.
type dashboard struct {
	Panels []struct {
		ID      int
		Type    string
		Title   string
		GridPos struct{ X, Y, W, H int }
		Targets []struct{ Expr, LegendFormat string }
	}
	Templating struct{ List []struct{ Name string } }
}

func TestDashboard_AsksForWhatThereIsAndShowsAllOfIt(t *testing.T) {
	requireShows(t, "dashboard.json", 8, metrics.Table())
}

func TestAuditDashboard_AsksForWhatThereIsAndShowsAllOfIt(t *testing.T) {
	requireShows(t, "audit.json", 5, watch.Table())
}

// requireShows fails the test unless a dashboard has so many rows, asks only for what there is, and
// shows every metric of a table.
func requireShows(t *testing.T, path string, wantRows int, table []metrics.Metric) {
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var d dashboard
	require.NoError(t, json.Unmarshal(text, &d))
	variables := []string{"__rate_interval"}
	for _, v := range d.Templating.List {
		variables = append(variables, v.Name)
	}
	k, shown, ids, rows := whatIsKnown(t), make(map[string]bool), make(map[int]bool), 0
	places := make(map[string]string)
	for _, p := range d.Panels {
		require.False(t, ids[p.ID], "twice: panel %d", p.ID)
		ids[p.ID] = true
		place := fmt.Sprint(p.GridPos.X, " ", p.GridPos.Y)
		require.Empty(t, places[place], "%s lies on another", p.Title)
		places[place] = p.Title
		if p.Type == "row" {
			rows++
			continue
		}
		require.NotEmpty(t, p.Targets, p.Title)
		for _, target := range p.Targets {
			for _, v := range regexp.MustCompile(`\$(\w+)`).FindAllStringSubmatch(target.Expr, -1) {
				require.Contains(t, variables, v[1], p.Title)
			}
			expr := strings.NewReplacer("$__rate_interval", "1m", "$job", ".*", "$instance",
				".*").Replace(target.Expr)
			for _, name := range k.check(t, expr) {
				shown[name] = true
			}
		}
	}
	require.Equal(t, wantRows, rows)
	for _, m := range table {
		require.True(t, shown[m.Name], "no panel shows %s", m.Name)
	}
}

// TestNames_AreTheSameByWayOfOpenTelemetry: what metrics/otel gives and a collector exports to
// Prometheus has the names that alerts and dashboard ask for.
func TestNames_AreTheSameByWayOfOpenTelemetry(t *testing.T) {
	namer := otlptranslator.NewMetricNamer("", otlptranslator.UnderscoreEscapingWithSuffixes)
	kinds := map[metrics.Kind]otlptranslator.MetricType{metrics.Counter: otlptranslator.MetricTypeMonotonicCounter,
		metrics.Gauge: otlptranslator.MetricTypeGauge, metrics.Histogram: otlptranslator.MetricTypeHistogram}
	for _, m := range metrics.Table() {
		name, err := namer.Build(otlptranslator.Metric{Name: otel.Name(&m), Unit: string(m.Unit),
			Type: kinds[m.Kind]})
		require.NoError(t, err)
		require.Equal(t, m.Name, name)
	}
}
