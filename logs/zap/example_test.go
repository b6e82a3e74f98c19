package zap_test

import (
	"fmt"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	forebayzap "github.com/forebay-go/forebay/logs/zap"
	"github.com/forebay-go/forebay/producertest"
)

// In production, p is a *producer.Producer. Without a time, the line is the same each time.
func ExampleNew() {
	config := forebayzap.EncoderConfig()
	config.TimeKey = ""
	var p producertest.Recorder
	core, err := forebayzap.New(&p, "logs", &forebayzap.Options{
		Fields:  []zap.Field{zap.String("service", "shop")},
		Encoder: zapcore.NewJSONEncoder(config),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	log := zap.New(core)
	log.Warn("payment is slow", zap.Int("took_ms", 1200))
	for _, rec := range p.Records("logs") {
		fmt.Println(rec.Priority, string(rec.Value))
	}
	// Output: medium {"level":"WARN","msg":"payment is slow","service":"shop","took_ms":1200}
}
