package otel

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/forebay-go/forebay/metrics"
	"github.com/forebay-go/forebay/producer"
)

// Source is a metric.Producer of the SDK. It is safe for concurrent use.
type Source struct {
	bounds []float64 // of the buckets of histograms, in seconds

	mu       sync.Mutex // guards attached
	attached []*attached
}

var _ metric.Producer = new(Source)

// attached is one attached producer of records.
type attached struct {
	source  *metrics.Source
	options Options
	since   time.Time
}

// NewSource returns a source without producers.
func NewSource() *Source {
	s := new(Source)
	for _, bound := range producer.HistogramBounds() {
		s.bounds = append(s.bounds, bound.Seconds())
	}
	return s
}

// Attach makes s read stats, usually the Stats method of a producer, until detach is called.
func (s *Source) Attach(stats func() producer.Stats, o Options) (detach func()) {
	a := &attached{source: metrics.New(stats, o.Options), options: o, since: time.Now()}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attached = append(s.attached, a)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.attached = slices.DeleteFunc(slices.Clone(s.attached),
			func(x *attached) bool { return x == a })
	}
}

// Produce returns the present values to the SDK. It calls the Stats of each producer once.
func (s *Source) Produce(context.Context) ([]metricdata.ScopeMetrics, error) {
	s.mu.Lock()
	all := s.attached
	s.mu.Unlock()
	var given []metricdata.Metrics
	at := make(map[string]int) // index in given, by name
	for _, a := range all {
		now := time.Now()
		for _, sample := range a.source.Read() {
			name := Name(sample.Metric)
			i, known := at[name]
			if !known {
				i = len(given)
				at[name] = i
				given = append(given, metricdata.Metrics{
					Name: name, Description: sample.Metric.Help,
					Unit: string(sample.Metric.Unit), Data: empty(sample.Metric.Kind),
				})
			}
			given[i].Data = s.with(given[i].Data, a, &sample, now)
		}
	}
	if len(given) == 0 {
		return nil, nil
	}
	return []metricdata.ScopeMetrics{{Scope: instrumentation.Scope{Name: scope}, Metrics: given}},
		nil
}

// empty returns data of a kind, without points.
func empty(kind metrics.Kind) metricdata.Aggregation {
	switch kind {
	case metrics.Counter:
		return metricdata.Sum[float64]{Temporality: metricdata.CumulativeTemporality,
			IsMonotonic: true}
	case metrics.Gauge:
		return metricdata.Gauge[float64]{}
	}
	return metricdata.Histogram[float64]{Temporality: metricdata.CumulativeTemporality}
}

// with returns data with the point of a sample added.
func (s *Source) with(data metricdata.Aggregation, a *attached, sample *metrics.Sample,
	now time.Time) metricdata.Aggregation {
	attributes := a.options.attributes(sample)
	point := metricdata.DataPoint[float64]{Attributes: attributes, StartTime: a.since, Time: now,
		Value: sample.Value}
	switch data := data.(type) {
	case metricdata.Sum[float64]:
		data.DataPoints = append(data.DataPoints, point)
		return data
	case metricdata.Gauge[float64]:
		data.DataPoints = append(data.DataPoints, point)
		return data
	case metricdata.Histogram[float64]:
		h := sample.Histogram
		data.DataPoints = append(data.DataPoints, metricdata.HistogramDataPoint[float64]{
			Attributes: attributes, StartTime: a.since, Time: now,
			Count: h.Count(), Sum: h.Sum, Bounds: s.bounds, BucketCounts: h.Buckets[:],
		})
		return data
	}
	return data
}
