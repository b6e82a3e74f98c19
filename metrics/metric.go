package metrics

import "github.com/forebay-go/forebay/producer"

// Kind is the kind of a metric.
type Kind uint8

// The kinds.
const (
	Counter   Kind = iota // grows, or restarts at zero
	Gauge                 // rises and falls
	Histogram             // counts by size
)

// String returns the kind as one word.
func (k Kind) String() string { return [...]string{"counter", "gauge", "histogram"}[k] }

// Unit is the unit of a metric, in the notation of OpenTelemetry.
type Unit string

// The units.
const (
	Seconds     Unit = "s"
	Bytes       Unit = "By"
	Records     Unit = "{record}"
	Batches     Unit = "{batch}"
	Requests    Unit = "{request}"
	Topics      Unit = "{topic}"
	Connections Unit = "{connection}"
	Times       Unit = "{time}" // how often
	Condition   Unit = ""       // 1 if true, 0 if not
)

// Metric is a row of the table.
type Metric struct {
	Name     string // in the notation of Prometheus, with the unit
	Kind     Kind
	Unit     Unit
	Labels   []string
	Help     string
	Question string   // the question that it answers
	From     []string // the fields of producer.Stats that it shows

	read func(*view, emit) // for a counter or a gauge
	hist func(*view, func(h *producer.Histogram, labels ...string))
}

// emit takes a value and the values of the labels, in the order of Metric.Labels.
type emit func(value float64, labels ...string)

// Sample is the value of one series.
type Sample struct {
	Metric    *Metric
	Labels    []string            // the values of Metric.Labels, in their order
	Value     float64             // of a counter or a gauge
	Histogram *producer.Histogram // of a histogram, else nil
}
