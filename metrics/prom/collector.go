package prom

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/forebay-go/forebay/metrics"
	"github.com/forebay-go/forebay/producer"
)

// Options are the options of New. The zero value is a working default.
type Options struct {
	metrics.Options
	Labels prometheus.Labels // on every series
}

// Source has a table of metrics and their values, such as *metrics.Source or *watch.Watch of an
// audit. Metrics returns the same table each time, and the samples point into it.
type Source interface {
	Metrics() []metrics.Metric
	Read() []metrics.Sample
}

// Collector is a prometheus.Collector. It is safe for concurrent use; each scrape calls Read once,
// and thereby Stats of a producer once.
type Collector struct {
	source Source
	descs  map[*metrics.Metric]*prometheus.Desc
	bounds []float64 // of the buckets of histograms, in seconds
}

// New returns a collector that reads stats, usually the Stats method of a producer.
func New(stats func() producer.Stats, o Options) *Collector {
	return Of(metrics.New(stats, o.Options), o.Labels)
}

// Of returns a collector that reads source. The labels are on every series; they may be nil.
func Of(source Source, labels prometheus.Labels) *Collector {
	c := &Collector{source: source, descs: make(map[*metrics.Metric]*prometheus.Desc)}
	table := c.source.Metrics()
	for i := range table {
		m := &table[i]
		c.descs[m] = prometheus.NewDesc(m.Name, m.Help, m.Labels, labels)
	}
	for _, bound := range producer.HistogramBounds() {
		c.bounds = append(c.bounds, bound.Seconds())
	}
	return c
}

// Describe sends the descriptions of all metrics.
func (c *Collector) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range c.descs {
		to <- desc
	}
}

// Collect sends the present values.
func (c *Collector) Collect(to chan<- prometheus.Metric) {
	for _, s := range c.source.Read() {
		to <- c.convert(&s)
	}
}

func (c *Collector) convert(s *metrics.Sample) prometheus.Metric {
	desc := c.descs[s.Metric]
	switch s.Metric.Kind {
	case metrics.Counter:
		return prometheus.MustNewConstMetric(desc, prometheus.CounterValue, s.Value, s.Labels...)
	case metrics.Gauge:
		return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, s.Value, s.Labels...)
	}
	buckets, sum := make(map[float64]uint64, len(c.bounds)), uint64(0)
	for i, bound := range c.bounds {
		sum += s.Histogram.Buckets[i]
		buckets[bound] = sum
	}
	return prometheus.MustNewConstHistogram(desc, s.Histogram.Count(), s.Histogram.Sum, buckets,
		s.Labels...)
}
