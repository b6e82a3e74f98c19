package otel

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"github.com/forebay-go/forebay/metrics"
)

// scope is the name of the instrumentation scope.
const scope = "github.com/forebay-go/forebay/metrics/otel"

// Options are the options of Register and Attach. The zero value is a working default.
type Options struct {
	metrics.Options
	Attributes []attribute.KeyValue // on every series, to distinguish producers
}

// Name returns the OpenTelemetry name of a metric: in a namespace, and without the unit, which is
// separate there.
func Name(m *metrics.Metric) string {
	name := strings.TrimSuffix(m.Name, "_total")
	switch m.Unit {
	case metrics.Seconds:
		name = strings.TrimSuffix(name, "_seconds")
	case metrics.Bytes:
		name = strings.TrimSuffix(name, "_bytes")
	}
	return strings.Replace(name, "_", ".", 1)
}

// attributes returns the attributes of a sample, and more.
func (o *Options) attributes(s *metrics.Sample, more ...attribute.KeyValue) attribute.Set {
	all := make([]attribute.KeyValue, 0, len(o.Attributes)+len(s.Labels)+len(more))
	all = append(append(all, o.Attributes...), more...)
	for i, label := range s.Metric.Labels {
		all = append(all, attribute.String(label, s.Labels[i]))
	}
	return attribute.NewSet(all...)
}
