package watch

import (
	"slices"
	"strings"
	"time"

	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/metrics"
)

// row is a row of the table of metrics, and how it is read.
type row struct {
	metrics.Metric
	read func(*look, *emitter)
}

// emitter takes the values of one metric.
type emitter struct {
	metric  *metrics.Metric
	samples []metrics.Sample
}

// value takes a value, and those of the labels in the order of Metric.Labels.
func (e *emitter) value(value float64, labels ...string) {
	e.samples = append(e.samples, metrics.Sample{Metric: e.metric, Value: value,
		Labels: sound(labels)})
}

// times takes a histogram.
func (e *emitter) times(h delivery.Histogram, labels ...string) {
	e.samples = append(e.samples, metrics.Sample{Metric: e.metric, Histogram: &h,
		Labels: sound(labels)})
}

// is takes a condition.
func (e *emitter) is(so bool, labels ...string) {
	value := 0.0
	if so {
		value = 1
	}
	e.value(value, labels...)
}

// sound makes labels valid UTF-8: Prometheus refuses a whole scrape for one that is not.
func sound(labels []string) []string {
	for i := range labels {
		labels[i] = strings.ToValidUTF8(labels[i], "\uFFFD")
	}
	return labels
}

// Table returns every metric, in the order of docs/audit-metrics.md.
func Table() (table []metrics.Metric) {
	for _, r := range rows() {
		table = append(table, r.Metric)
	}
	return table
}

// Metrics returns the table that the samples point into. Do not change it.
func (w *Watch) Metrics() []metrics.Metric { return w.table }

// Read returns the present values, in the order of the table. They are at most a second old.
func (w *Watch) Read() []metrics.Sample {
	l := w.look()
	e := &emitter{samples: make([]metrics.Sample, 0, 64+32*len(l.topics))}
	for i := range w.rows {
		e.metric = &w.table[i]
		w.rows[i].read(l, e)
	}
	return e.samples
}

func rows() []row {
	return slices.Concat(accounts(), findings(), presences(), reading(), brokers(), loads())
}

// byTopic reads one number of the account of each topic.
func byTopic(number func(*topic) float64) func(*look, *emitter) {
	return func(l *look, e *emitter) {
		for i := range l.topics {
			e.value(number(&l.topics[i]), l.topics[i].name)
		}
	}
}

// unix returns t in seconds since 1970, and 0 for the zero time.
func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMicro()) / 1e6
}
