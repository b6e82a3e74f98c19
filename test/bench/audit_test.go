//go:build linux || darwin

package bench_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/audit"
	"github.com/forebay-go/forebay/producer"
)

// BenchmarkAudit is what Send takes for a record of 100 bytes that is audited, and for one that is
// not. They take turns, in bursts as in BenchmarkSend.
func BenchmarkAudit(b *testing.B) {
	source, err := audit.NewSource(audit.SourceConfig{Instance: "bench"})
	require.NoError(b, err)
	var figures [2][2]spread // ns, allocations
	var gates [2]gate
	seeds := blackhole(b, "events")
	var clients [2]*forebay
	for i, opts := range [][]producer.Option{nil, {producer.WithObserver(source)}} {
		clients[i] = newForebay(b, seeds, func(cfg *producer.Config) { cfg.Buffer.MaxBytes = 512 << 20 },
			append(opts, producer.WithDialer(gates[i].dial))...)
	}
	rec := producer.Record{Topic: "events", Value: make([]byte, 100)}
	for round := range eventRounds + 1 {
		for i, c := range clients {
			var before, after runtime.MemStats
			runtime.GC()
			gates[i].Lock()
			runtime.ReadMemStats(&before)
			used := eventTime(b, func() error { return c.Producer.Send(rec) })
			runtime.ReadMemStats(&after)
			gates[i].Unlock()
			c.flush(b)
			if round > 0 {
				figures[i][0] = append(figures[i][0], used/eventBurst)
				figures[i][1] = append(figures[i][1], float64(after.Mallocs-before.Mallocs)/eventBurst)
			}
		}
	}
	for i, name := range []string{"plain", "audited"} {
		b.Run(name, func(b *testing.B) {
			b.ReportMetric(figures[i][0].median(), "ns/op")
			b.ReportMetric(figures[i][1].median(), "allocs/op")
			b.Logf("%v ns of processor time of the calling thread", figures[i][0])
		})
	}
}
