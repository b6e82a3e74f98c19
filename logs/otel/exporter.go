package otel

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/forebay-go/forebay/internal/ownline"
	"github.com/forebay-go/forebay/logs"
	"github.com/forebay-go/forebay/logs/internal/levels"
	"github.com/forebay-go/forebay/logs/internal/sink"
	"github.com/forebay-go/forebay/producer"
)

// Exporter sends log records as records in Kafka. It is an Exporter and a Processor of the SDK.
// Make one with New.
type Exporter struct {
	sink       *sink.Sink
	form       form
	priorities levels.Table[log.Severity]
	key        func(*sdklog.Record) []byte
	ended      atomic.Bool // Shutdown was called
}

var (
	_ sdklog.Exporter  = (*Exporter)(nil)
	_ sdklog.Processor = (*Exporter)(nil)
)

// New returns an Exporter that sends records with s to topic. The error names every argument and
// option that is wrong, and what to write instead. New does no I/O.
func New(s producer.Sender, topic string, o *Options) (*Exporter, error) {
	if o == nil {
		o = new(Options)
	}
	form, known := forms[o.Encoding]
	to, err := sink.New(sink.Settings{Sender: s, Topic: topic, Headers: o.Headers, Tell: report,
		Shorten: form.shorten})
	table, wrong := levels.New(o.Priorities, defaultPriorities)
	if err = errors.Join(err, wrong); !known {
		err = errors.Join(err, fmt.Errorf("option Encoding: there is no %v: write JSON or Proto",
			o.Encoding))
	}
	if err != nil {
		return nil, err
	}
	return &Exporter{sink: to, form: form, priorities: table, key: o.Key}, nil
}

// report tells the error handler of OpenTelemetry of drops.
func report(d sink.Drops) {
	otel.Handle(fmt.Errorf("log records for topic %q were dropped: %d, the first: %w", d.Topic,
		d.Lines, d.First))
}

// Enabled reports whether records are sent: until Shutdown, all are.
func (e *Exporter) Enabled(context.Context, sdklog.EnabledParameters) bool {
	return !e.ended.Load()
}

// OnEmit sends the record. It never waits. It returns nil, or sdklog.ErrExporterShutdown.
func (e *Exporter) OnEmit(ctx context.Context, r *sdklog.Record) error {
	switch {
	case e.ended.Load():
		e.sink.Drop(sdklog.ErrExporterShutdown)
		return sdklog.ErrExporterShutdown
	case ownline.In(ctx):
		e.sink.Own()
	default:
		e.send(r)
	}
	return nil
}

// Export sends the records, each for itself. It never waits, so it sends them even if ctx has
// ended. It returns nil, or sdklog.ErrExporterShutdown.
func (e *Exporter) Export(ctx context.Context, records []sdklog.Record) (err error) {
	for i := range records {
		err = e.OnEmit(ctx, &records[i])
	}
	return err
}

// send encodes a record and sends it.
func (e *Exporter) send(r *sdklog.Record) {
	encoded := false
	defer e.sink.Survive(&encoded)
	text, err := e.form.MarshalLogs(dataOf(r))
	var key []byte
	if err == nil && e.key != nil {
		key = e.keyOf(r)
	}
	encoded = true
	if err != nil {
		e.sink.Drop(fmt.Errorf("%w: %w", logs.ErrNotEncoded, err))
		return
	}
	e.sink.Send(text, key, e.priorities.Of(r.Severity()))
}

// keyOf returns what Options.Key says, nil if it panics.
func (e *Exporter) keyOf(r *sdklog.Record) (key []byte) {
	defer func() { _ = recover() }() // the record is worth more than its key
	return e.key(r)
}

// ForceFlush waits until every record of the producer has an outcome, or ctx ends, and then returns
// the error of Producer.Flush. It returns nil at once after Shutdown, or if the sender has no
// Flush.
func (e *Exporter) ForceFlush(ctx context.Context) error {
	if e.ended.Load() {
		return nil
	}
	return e.sink.Flush(ctx)
}

// Shutdown refuses all later records, and then waits as ForceFlush does. It does not close the
// producer. A second call returns nil at once.
func (e *Exporter) Shutdown(ctx context.Context) error {
	if e.ended.Swap(true) {
		return nil
	}
	return e.sink.Flush(ctx)
}

// Stats returns the counts.
func (e *Exporter) Stats() logs.Stats { return e.sink.Stats() }
