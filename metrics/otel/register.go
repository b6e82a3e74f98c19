package otel

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/forebay-go/forebay/metrics"
	"github.com/forebay-go/forebay/producer"
)

// instruments are the instruments of a meter.
type instruments struct {
	meter  metric.Meter
	all    []metric.Observable
	failed []error
	by     map[*metrics.Metric]metric.Float64Observable

	buckets, count, sum metric.Float64Observable // of delivery times
}

// Register makes meter observe stats, usually the Stats method of a producer, until the
// registration is unregistered. Each collection calls stats once. Register fails if meter does.
func Register(
	meter metric.Meter, stats func() producer.Stats, o Options,
) (metric.Registration, error) {
	source := metrics.New(stats, o.Options)
	in := &instruments{meter: meter, by: make(map[*metrics.Metric]metric.Float64Observable)}
	table := source.Metrics()
	for i := range table {
		in.make(&table[i])
	}
	if err := errors.Join(in.failed...); err != nil {
		return nil, err
	}
	return meter.RegisterCallback(func(_ context.Context, to metric.Observer) error {
		for _, s := range source.Read() {
			if s.Histogram == nil {
				to.ObserveFloat64(in.by[s.Metric], s.Value,
					metric.WithAttributeSet(o.attributes(&s)))
				continue
			}
			in.observe(to, &s, &o)
		}
		return nil
	}, in.all...)
}

func (in *instruments) make(m *metrics.Metric) {
	switch m.Kind {
	case metrics.Counter:
		in.by[m] = in.counter(Name(m), m.Help, m.Unit)
	case metrics.Gauge:
		gauge, err := in.meter.Float64ObservableGauge(Name(m), metric.WithDescription(m.Help),
			metric.WithUnit(string(m.Unit)))
		in.by[m] = gauge
		in.note(gauge, err)
	case metrics.Histogram:
		in.buckets = in.counter(Name(m)+".bucket", "Records delivered within le seconds.",
			metrics.Records)
		in.count = in.counter(Name(m)+".count", "Records delivered.", metrics.Records)
		in.sum = in.counter(Name(m)+".sum", m.Help, m.Unit)
	}
}

func (in *instruments) counter(name, help string, unit metrics.Unit) metric.Float64Observable {
	counter, err := in.meter.Float64ObservableCounter(name, metric.WithDescription(help),
		metric.WithUnit(string(unit)))
	in.note(counter, err)
	return counter
}

func (in *instruments) note(instrument metric.Observable, err error) {
	in.all = append(in.all, instrument)
	in.failed = append(in.failed, err)
}

// observe observes a histogram as counters.
func (in *instruments) observe(to metric.Observer, s *metrics.Sample, o *Options) {
	sum := uint64(0)
	for i, bound := range producer.HistogramBounds() {
		sum += s.Histogram.Buckets[i]
		le := attribute.String("le", fmt.Sprint(bound.Seconds()))
		to.ObserveFloat64(in.buckets, float64(sum), metric.WithAttributeSet(o.attributes(s, le)))
	}
	count := float64(s.Histogram.Count())
	all := o.attributes(s, attribute.String("le", "+Inf"))
	to.ObserveFloat64(in.buckets, count, metric.WithAttributeSet(all))
	to.ObserveFloat64(in.count, count, metric.WithAttributeSet(o.attributes(s)))
	to.ObserveFloat64(in.sum, s.Histogram.Sum, metric.WithAttributeSet(o.attributes(s)))
}
