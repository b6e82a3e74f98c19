package otel_test

import (
	"context"
	"fmt"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	forebayotel "github.com/forebay-go/forebay/logs/otel"
	"github.com/forebay-go/forebay/producertest"
)

// In production, p is a *producer.Producer, and a bridge such as otelslog emits the records.
func ExampleNew() {
	var p producertest.Recorder
	e, err := forebayotel.New(&p, "logs", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(e))
	defer func() { _ = provider.Shutdown(context.Background()) }()

	var r log.Record
	r.SetSeverity(log.SeverityWarn)
	r.SetBody(attribute.StringValue("payment is slow"))
	r.AddAttributes(attribute.Int("took_ms", 1200))
	provider.Logger("shop").Emit(context.Background(), r)

	for _, rec := range p.Records("logs") {
		all, err := new(plog.JSONUnmarshaler).UnmarshalLogs(rec.Value) // as the Collector does
		if err != nil {
			fmt.Println(err)
			return
		}
		got := all.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
		fmt.Println(rec.Priority, got.SeverityNumber(), got.Body().Str(), got.Attributes().AsRaw())
	}
	// Output: medium Warn payment is slow map[took_ms:1200]
}
