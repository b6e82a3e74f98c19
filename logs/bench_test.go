package logs_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	forebayslog "github.com/forebay-go/forebay/logs/slog"
	forebayzap "github.com/forebay-go/forebay/logs/zap"
	"github.com/forebay-go/forebay/producer"
)

const (
	rounds = 301
	burst  = 1_000 // lines
)

// BenchmarkHandler is the cost of a line that is sent, beside that of a line that the JSON handler or
// encoder of the same library writes to io.Discard. Both log in turns, in bursts; the buffer is
// drained between bursts, untimed, and nothing is written to Kafka during one. "x" is the median of
// the ratios of the rounds.
func BenchmarkHandler(b *testing.B) {
	p, gate := benchProducer(b)
	h, err := forebayslog.New(p, "logs", nil)
	require.NoError(b, err)
	sourced, err := forebayslog.New(p, "logs", &forebayslog.Options{AddSource: true})
	require.NoError(b, err)
	replacing, err := forebayslog.New(p, "logs", &forebayslog.Options{ReplaceAttr: lower})
	require.NoError(b, err)
	core, err := forebayzap.New(p, "logs", nil)
	require.NoError(b, err)
	plain := slog.NewJSONHandler(io.Discard, nil)
	plainCore := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()),
		zapcore.AddSync(io.Discard), zap.InfoLevel)
	for _, x := range []struct {
		name        string
		ours, plain func()
	}{
		{"slog/5 attributes", slogLine(slog.New(h)), slogLine(slog.New(plain))},
		{"slog/With", slogWith(h), slogWith(plain)},
		{"slog/With each time", slogWithEach(h), slogWithEach(plain)},
		{"slog/source", slogLine(slog.New(sourced)), slogLine(slog.New(
			slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{AddSource: true})))},
		{"slog/ReplaceAttr", slogLine(slog.New(replacing)), slogLine(slog.New(
			slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{ReplaceAttr: lower})))},
		{"slog/any", slogAny(slog.New(h)), slogAny(slog.New(plain))},
		{"slog/message only", func() { slog.New(h).Info("said") },
			func() { slog.New(plain).Info("said") }},
		{"zap/5 fields", zapLine(zap.New(core)), zapLine(zap.New(plainCore))},
		{"zap/With", zapWith(core), zapWith(plainCore)},
		{"zap/caller", zapLine(zap.New(core, zap.AddCaller())),
			zapLine(zap.New(plainCore, zap.AddCaller()))},
	} {
		b.Run(x.name, func(b *testing.B) { compare(b, p, gate, x.ours, x.plain) })
	}
	require.Zero(b, h.Stats().Drops()+sourced.Stats().Drops()+replacing.Stats().Drops()+
		core.Stats().Drops())
}

func lower(_ []string, a slog.Attr) slog.Attr {
	if a.Key == "status" {
		a.Key = "code"
	}
	return a
}

func slogLine(log *slog.Logger) func() {
	ctx, err := context.Background(), errors.New("no such user")
	return func() {
		log.LogAttrs(ctx, slog.LevelInfo, "request served", slog.String("method", "GET"),
			slog.Int("status", 200), slog.Duration("took", 1500*time.Microsecond),
			slog.String("path", "/users/17"), slog.Any("error", err))
	}
}

func slogWith(h slog.Handler) func() {
	return slogLine(slog.New(h).With("service", "shop", "zone", "a").WithGroup("http"))
}

func slogWithEach(h slog.Handler) func() {
	log := slog.New(h)
	return func() { slogLine(log.With("request", "4b2c7a"))() }
}

func slogAny(log *slog.Logger) func() {
	v := struct {
		Name string
		List []int
	}{"name", []int{1, 2, 3}}
	return func() { log.Info("request served", "method", "GET", "value", &v) }
}

func zapLine(log *zap.Logger) func() {
	err := errors.New("no such user")
	return func() {
		log.Info("request served", zap.String("method", "GET"), zap.Int("status", 200),
			zap.Duration("took", 1500*time.Microsecond), zap.String("path", "/users/17"),
			zap.Error(err))
	}
}

func zapWith(core zapcore.Core) func() {
	return zapLine(zap.New(core).With(zap.String("service", "shop"), zap.Namespace("http")))
}

// compare has both log in turns, and reports what a line costs.
func compare(b *testing.B, p *producer.Producer, gate *sync.RWMutex, ours, plain func()) {
	b.ReportAllocs() // so that those of this function are shown
	var x, ns, plainNs, bytes, plainBytes, allocs, plainAllocs []float64
	for round := range rounds {
		gate.Lock()
		t, heap, n := measure(ours)
		gate.Unlock()
		require.NoError(b, p.Flush(b.Context()))
		time.Sleep(time.Millisecond) // for what follows an answer
		plainT, plainHeap, plainN := measure(plain)
		if round == 0 { // it finds the partitions
			continue
		}
		x, ns, plainNs = append(x, t/plainT), append(ns, t), append(plainNs, plainT)
		bytes, plainBytes = append(bytes, heap), append(plainBytes, plainHeap)
		allocs, plainAllocs = append(allocs, n), append(plainAllocs, plainN)
	}
	b.ReportMetric(median(x), "x")
	b.ReportMetric(median(ns), "ns/op")
	b.ReportMetric(median(plainNs), "plain-ns/op")
	b.ReportMetric(median(bytes), "B/op")
	b.ReportMetric(median(plainBytes), "plain-B/op")
	b.ReportMetric(median(allocs), "allocs/op")
	b.ReportMetric(median(plainAllocs), "plain-allocs/op")
}

// measure returns what a line of a burst takes: nanoseconds, bytes of heap, allocations.
func measure(log func()) (ns, heap, allocs float64) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := time.Now()
	for range burst {
		log()
	}
	took := time.Since(begin)
	runtime.ReadMemStats(&after)
	return float64(took) / burst, float64(after.TotalAlloc-before.TotalAlloc) / burst,
		float64(after.Mallocs-before.Mallocs) / burst
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}

// gated is a connection to which nothing is written while the gate is locked.
type gated struct {
	net.Conn
	gate *sync.RWMutex
}

func (c gated) Write(p []byte) (int, error) {
	c.gate.RLock()
	defer c.gate.RUnlock()
	return c.Conn.Write(p)
}

// benchProducer returns a producer that delivers to an embedded Kafka.
func benchProducer(b *testing.B) (*producer.Producer, *sync.RWMutex) {
	k, err := kfake.NewCluster(kfake.SeedTopics(3, "logs"))
	require.NoError(b, err)
	b.Cleanup(k.Close)
	gate := new(sync.RWMutex)
	p, err := producer.New(producer.Config{Clusters: map[string]producer.ClusterConfig{
		"a": {Brokers: k.ListenAddrs()}}},
		producer.WithDialer(func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, addr)
			return gated{c, gate}, err
		}))
	require.NoError(b, err)
	b.Cleanup(func() { _, _ = p.Close(context.Background()) })
	return p, gate
}
