// Package logs_test has the suites that all packages of folder logs pass.
package logs_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/forebay-go/forebay/logs"
	forebayotel "github.com/forebay-go/forebay/logs/otel"
	forebayslog "github.com/forebay-go/forebay/logs/slog"
	forebayzap "github.com/forebay-go/forebay/logs/zap"
	"github.com/forebay-go/forebay/producer"
)

// way is a way for lines to Kafka.
type way struct {
	log    func(n int, pad string) // logs line n
	number func(t require.TestingT, value []byte) int
	stats  func() logs.Stats
	drops  func() int      // how often drops were reported
	own    producer.Option // has the producer log this way, too
}

// ways makes a way that sends to topic with s.
var ways = map[string]func(t *testing.T, s producer.Sender, topic string) way{
	"slog": slogWay, "zap": zapWay, "otel": otelWay,
}

// counter counts lines or errors.
type counter struct {
	slog.Handler
	mu sync.Mutex
	n  int
}

func (c *counter) add() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
}

func (c *counter) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

func (c *counter) Enabled(context.Context, slog.Level) bool { return true }

func (c *counter) Handle(context.Context, slog.Record) error { c.add(); return nil }

func (c *counter) WithAttrs([]slog.Attr) slog.Handler { return c }

func slogWay(t *testing.T, s producer.Sender, topic string) way {
	var drops counter
	h, err := forebayslog.New(s, topic, &forebayslog.Options{Drops: &drops})
	require.NoError(t, err)
	l := slog.New(h)
	return way{
		log:    func(n int, pad string) { l.Info("line", "n", n, "pad", pad) },
		number: numberOf, stats: h.Stats, drops: drops.count, own: producer.WithSlog(l),
	}
}

func zapWay(t *testing.T, s producer.Sender, topic string) way {
	core, told := observer.New(zap.DebugLevel)
	c, err := forebayzap.New(s, topic, &forebayzap.Options{Drops: core})
	require.NoError(t, err)
	l := zap.New(c)
	return way{
		log:    func(n int, pad string) { l.Info("line", zap.Int("n", n), zap.String("pad", pad)) },
		number: numberOf, stats: c.Stats, drops: told.Len, own: producer.WithLogger(l),
	}
}

func otelWay(t *testing.T, s producer.Sender, topic string) way {
	e, err := forebayotel.New(s, topic, nil)
	require.NoError(t, err)
	var drops counter
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) { drops.add() }))
	l := sdklog.NewLoggerProvider(sdklog.WithProcessor(e)).Logger("test")
	return way{
		log: func(n int, pad string) {
			var r log.Record
			r.AddAttributes(attribute.Int("n", n), attribute.String("pad", pad))
			l.Emit(context.Background(), r)
		},
		number: func(t require.TestingT, value []byte) int {
			all, err := new(plog.JSONUnmarshaler).UnmarshalLogs(value)
			require.NoError(t, err)
			n, ok := all.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).Attributes().Get("n")
			require.True(t, ok, "%s", value)
			return int(n.Int())
		},
		stats: e.Stats, drops: drops.count, own: producer.WithSlog(slog.New(bridge{l})),
	}
}

// bridge hands lines of slog to OpenTelemetry, with their context, as otelslog does.
type bridge struct{ to log.Logger }

func (b bridge) Enabled(context.Context, slog.Level) bool { return true }

func (b bridge) Handle(ctx context.Context, r slog.Record) error {
	var to log.Record
	to.SetBody(attribute.StringValue(r.Message))
	b.to.Emit(ctx, to)
	return nil
}

func (b bridge) WithAttrs([]slog.Attr) slog.Handler { return b }

func (b bridge) WithGroup(string) slog.Handler { return b }

// numberOf returns the number of a line in JSON.
func numberOf(t require.TestingT, value []byte) int {
	var line struct{ N *int }
	require.NoError(t, json.Unmarshal(value, &line))
	require.NotNil(t, line.N, "%s", value)
	return *line.N
}
