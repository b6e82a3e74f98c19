package otel

import (
	"fmt"

	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// Encoding is the form of the records in Kafka.
type Encoding int

// The forms that the Collector reads.
const (
	JSON  Encoding = iota // encoding: otlp_json
	Proto                 // encoding: otlp_proto
)

// String returns the name that the Collector has for e.
func (e Encoding) String() string {
	switch e {
	case JSON:
		return "otlp_json"
	case Proto:
		return "otlp_proto"
	default:
		return fmt.Sprintf("Encoding(%d)", int(e))
	}
}

// Options are the options of an Exporter. A nil *Options means the zero value.
type Options struct {
	// Encoding is the form of the records. Zero means JSON. New rejects unknown ones.
	Encoding Encoding

	// Priorities has the priority of a record by its severity. A record has that of the highest
	// severity in the table that is not above its own. A record below all of them has no priority
	// of its own (routing.Unset): the rules for the topic decide. Nil means high from
	// log.SeverityError on, medium from log.SeverityInfo on, low from log.SeverityTrace on, and
	// medium without a severity. New rejects priorities that do not exist.
	Priorities map[log.Severity]routing.Priority

	// Key returns the key of a record; nil means none. It runs when a record is emitted or
	// exported, must not keep or change the record, and must not log through this exporter. If it
	// panics, the record has no key.
	Key func(*sdklog.Record) []byte

	// Headers are the headers of each record. New copies them, and rejects one without a key.
	Headers []producer.Header
}

// defaultPriorities is what a nil Priorities means.
var defaultPriorities = map[log.Severity]routing.Priority{
	log.SeverityError: routing.High, log.SeverityInfo: routing.Medium,
	log.SeverityTrace: routing.Low, log.SeverityUndefined: routing.Medium,
}
