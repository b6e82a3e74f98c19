package metrics_test

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/metrics"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

var update = flag.Bool("update", false, "write docs/metrics.md anew")

// notShown are the fields of Stats that have no metric, and why.
var notShown = map[string]string{
	"Total":          "the sum of Priorities",
	"Requests":       "the sum of Paths",
	"RequestRecords": "the sum of Paths", "RequestBytes": "the sum of Paths",
	"Attempts": "the sum of Paths", "Retries": "the sum of Paths",
	"Throttled": "the sum of Paths", "ThrottledFor": "the sum of Paths",
	"OrderAtRisk": "the sum of Paths", "DeliveryTime": "the sum of Paths",
	"Paths.Priority":     "a label",
	"Paths.Cluster":      "a label",
	"Topics.Cluster":     "forebay_route has it, except for topics that a fallback does not take",
	"Topics.Since":       "the series go on where a topic begins anew",
	"Clusters.Accepted":  "the sum of forebay_cluster_records",
	"Clusters.Reason":    "words",
	"Clusters.ID":        "words",
	"Settings.Source":    "words",
	"Closed":             "forebay_cluster_state has every cluster closed",
	"Troubles.Priority":  "the lines of the log and Stats have it",
	"Troubles.Topic":     "forebay_topic_troubled has it",
	"Troubles.Reason":    "words",
	"Troubles.Remedy":    "words",
	"Troubles.Since":     "an alert on forebay_troubles waits as long as it likes",
	"Troubles.Records":   "forebay_topic_pending_records has it",
	"Settings.RefusedAt": "words beside those of Refused",
	"Clusters.Refused": "nothing is refused by a cluster: it is what priorities refused " +
		"that go there",
	"Clusters.MaybeDuplicated": "counted by topics, and moves with the priority",
	"Clusters.lost": "by outcome; by reason it would say where a priority went " +
		"afterwards",
}

// TestTable_EveryFieldOfStatsHasAMetricOrAReason fails when somebody adds a field to Stats and
// nothing here.
func TestTable_EveryFieldOfStatsHasAMetricOrAReason(t *testing.T) {
	shown := make(map[string]string)
	for _, m := range metrics.Table() {
		require.NotEmpty(t, m.From, m.Name)
		for _, field := range m.From {
			require.Empty(t, shown[field], "%s and %s", m.Name, shown[field])
			shown[field] = m.Name
		}
	}
	known := make(map[string]bool)
	for _, field := range fieldsOf(reflect.TypeFor[producer.Stats](), "") {
		whole, _, _ := strings.Cut(field, ".")
		_, why := shown[field], notShown[field]
		if why == "" && notShown[whole] != "" {
			field, why = whole, notShown[whole]
		}
		known[field] = true
		require.NotEqual(t, shown[field] == "", why == "",
			"Stats has %s: it wants a metric in the table, or a reason here (metric %q, reason "+
				"%q)", field, shown[field], why)
	}
	for field, name := range shown {
		require.True(t, known[field], "%s shows %s, which Stats does not have", name, field)
	}
	for field := range notShown {
		require.True(t, known[field], "Stats does not have %s", field)
	}
}

// fieldsOf returns the fields of a struct, and those of structs in it. What is embedded goes by its
// own name.
func fieldsOf(t reflect.Type, prefix string) (all []string) {
	for f := range t.Fields() {
		inner := f.Type
		if kind := inner.Kind(); (kind == reflect.Map || kind == reflect.Slice) &&
			inner.Elem().Kind() == reflect.Struct {
			inner = inner.Elem()
		}
		switch {
		case f.Anonymous:
			all = append(all, fieldsOf(inner, prefix)...)
		case inner.Kind() == reflect.Struct && inner != reflect.TypeFor[time.Time]():
			all = append(all, fieldsOf(inner, prefix+f.Name+".")...)
		default:
			all = append(all, prefix+f.Name)
		}
	}
	return all
}

// TestTable_ShowsEveryNumber gives each number of Stats a value of its own, and looks for it among
// the samples.
func TestTable_ShowsEveryNumber(t *testing.T) {
	f := &filler{want: make(map[string]float64), next: 1000}
	s := full()
	f.fill(reflect.ValueOf(&s).Elem(), "")
	delete(f.want, "HeldBytes") // the sum of Held
	seen := make(map[float64]bool)
	for _, sample := range metrics.New(func() producer.Stats { return s },
		metrics.Options{}).Read() {
		require.Len(t, sample.Labels, len(sample.Metric.Labels), sample.Metric.Name)
		seen[sample.Value] = true
		if h := sample.Histogram; h != nil {
			seen[h.Sum] = true
			for _, n := range h.Buckets {
				seen[float64(n)] = true
			}
		}
	}
	for field, value := range f.want {
		whole, _, _ := strings.Cut(field, ".")
		if notShown[field] == "" && notShown[whole] == "" {
			require.True(t, seen[value], "%s is %v", field, value)
		}
	}
	require.Greater(t, len(f.want), 60)
}

// full returns Stats with one of everything, and books that say nothing yet.
func full() producer.Stats {
	return producer.Stats{
		Priorities: map[routing.Priority]producer.Books{routing.High: {}},
		Held:       map[routing.Priority]int64{routing.High: 0},
		Lanes:      map[routing.Priority]producer.LaneStats{routing.High: {Cluster: "main"}},
		Clusters:   map[string]producer.ClusterStats{"main": {}},
		Topics:     []producer.TopicStats{{Topic: "events", Priority: routing.High}},
		Refused:    map[error]uint64{producer.ErrBufferFull: 0},
		Paths:      []producer.PathStats{{Priority: routing.High, Cluster: "main"}},
	}
}

// filler gives numbers values.
type filler struct {
	want map[string]float64 // by field
	next int64
}

func (f *filler) fill(v reflect.Value, field string) {
	switch v.Kind() {
	case reflect.Struct:
		if at, ok := v.Addr().Interface().(*time.Time); ok {
			f.next++
			*at = time.Unix(f.next, 0)
			f.want[field] = float64(f.next)
			return
		}
		for i := range v.NumField() {
			sf, name := v.Type().Field(i), field
			if !sf.IsExported() {
				continue
			}
			if !sf.Anonymous {
				name = strings.TrimPrefix(field+"."+sf.Name, ".")
			}
			f.fill(v.Field(i), name)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			element := reflect.New(v.Type().Elem()).Elem()
			element.Set(v.MapIndex(key))
			f.fill(element, field)
			v.SetMapIndex(key, element)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			name := field
			if v.Kind() == reflect.Array {
				name = fmt.Sprint(field, i)
			}
			f.fill(v.Index(i), name)
		}
	case reflect.Uint64, reflect.Int64, reflect.Int:
		f.next++
		f.want[field] = float64(f.next)
		if v.Kind() == reflect.Uint64 {
			v.SetUint(uint64(f.next))
			return
		}
		v.SetInt(f.next)
		if v.Type() == reflect.TypeFor[time.Duration]() {
			v.SetInt(f.next * int64(time.Second))
		}
	case reflect.Float64:
		f.next++
		v.SetFloat(float64(f.next))
		f.want[field] = float64(f.next)
	}
}

func TestTable_NamesFollowTheRulesOfPrometheus(t *testing.T) {
	names := make(map[string]bool)
	for _, m := range metrics.Table() {
		require.Regexp(t, regexp.MustCompile(`^forebay_[a-z]+(_[a-z]+)*$`), m.Name)
		require.False(t, names[m.Name], m.Name)
		names[m.Name] = true
		require.Equal(t, m.Kind == metrics.Counter, strings.HasSuffix(m.Name, "_total"), m.Name)
		stem := strings.TrimSuffix(m.Name, "_total")
		require.Equal(t, m.Unit == metrics.Seconds, strings.HasSuffix(stem, "_seconds"), m.Name)
		require.Equal(t, m.Unit == metrics.Bytes, strings.HasSuffix(stem, "_bytes"), m.Name)
		require.True(t, strings.HasSuffix(m.Help, "."), m.Name)
		require.True(t, strings.HasSuffix(m.Question, "?"), m.Name)
	}
}

func TestTable_IsPrintedInTheDocuments(t *testing.T) {
	const path = "../docs/metrics.md"
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(page()), 0o644))
	}
	printed, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, page(), string(printed), "go test ./metrics -update writes it")
}

const introduction = "# Metrics\n\n" +
	"Written by `go test ./metrics -update` from the table in `metrics/table*.go`. Do not edit\n" +
	"it.\n\n" +
	"`metrics/prom` serves these metrics to Prometheus, and `metrics/otel` to OpenTelemetry:\n" +
	"`registry.MustRegister(prom.New(p.Stats, prom.Options{}))`. Each scrape takes one\n" +
	"`producer.Stats()`, which takes a few milliseconds with 10,000 topics and does not slow\n" +
	"`Send`.\n\n" +
	"The label `priority` is high, medium or low, and `cluster` is a name from the settings.\n" +
	"`topic` has at most 51 values, one of which is `other` (`metrics.Options`).\n\n"

func page() string {
	var b strings.Builder
	b.WriteString(introduction)
	b.WriteString("| question | metric | kind | labels | what it is |\n|---|---|---|---|---|\n")
	for _, m := range metrics.Table() {
		var labels []string
		for _, label := range m.Labels {
			labels = append(labels, "`"+label+"`")
		}
		fmt.Fprintf(&b, "| %s | `%s` | %v | %s | %s |\n", m.Question, m.Name, m.Kind,
			strings.Join(labels, ", "), m.Help)
	}
	b.WriteString("\n## Fields of Stats without a metric\n\n| field | why |\n|---|---|\n")
	var fields []string
	for field, why := range notShown {
		fields = append(fields, fmt.Sprintf("| `%s` | %s |\n", field, why))
	}
	slices.Sort(fields)
	return b.String() + strings.Join(fields, "")
}
