package slog_test

import (
	"fmt"
	"log/slog"

	forebayslog "github.com/forebay-go/forebay/logs/slog"
	"github.com/forebay-go/forebay/producertest"
)

// In production, p is a *producer.Producer. Without a time, the line is the same each time.
func ExampleNew() {
	var p producertest.Recorder
	h, err := forebayslog.New(&p, "logs", &forebayslog.Options{
		Fields:      []slog.Attr{slog.String("service", "shop")},
		ReplaceAttr: withoutTime,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	log := slog.New(h)
	log.Warn("payment is slow", "took_ms", 1200)
	for _, rec := range p.Records("logs") {
		fmt.Println(rec.Priority, string(rec.Value))
	}
	// Output: medium {"level":"WARN","msg":"payment is slow","service":"shop","took_ms":1200}
}

func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}
