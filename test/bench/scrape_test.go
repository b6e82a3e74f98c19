//go:build linux || darwin

package bench_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/metrics/prom"
	"github.com/forebay-go/forebay/producer"
)

const (
	scrapeRounds = 100
	besideRounds = 21      // each with scrapes and without, in turns
	besideCalls  = 200_000 // a few hundred milliseconds
)

// waiting returns a Forebay whose 64 MiB are full of what waits for a cluster that is away, in so
// many topics, and the handler that serves its metrics.
func waiting(b *testing.B, topics int) (*forebay, http.Handler) {
	f := newForebay(b, deadSeeds, func(cfg *producer.Config) { cfg.Buffer.MaxBytes = 64 << 20 },
		producer.WithDialer(refused))
	record := value(100)
	names := make([]string, topics)
	for i := range names {
		names[i] = fmt.Sprint("topic-", i)
	}
	for round := 0; f.refused() < int64(topics); round++ {
		for _, name := range names {
			f.offer(name, record)
		}
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(prom.New(f.Stats, prom.Options{}))
	s := f.Stats()
	require.Greater(b, s.HeldBytes, s.MaxBytes*8/10)
	require.Len(b, s.Topics, topics)
	return f, promhttp.HandlerFor(registry, promhttp.HandlerOpts{DisableCompression: true})
}

// scrape returns how many bytes a scrape is.
func scrape(h http.Handler) int {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	n, _ := io.Copy(io.Discard, w.Result().Body)
	return int(n)
}

// BenchmarkScrape is what a scrape by Prometheus takes in an outage, when the memory is full.
func BenchmarkScrape(b *testing.B) {
	for _, topics := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprintf("topics=%d", topics), func(b *testing.B) {
			f, handler := waiting(b, topics)
			size := scrape(handler)
			runtime.GC() // of what filling left
			var took, stats spread
			before := processTime(b)
			for range scrapeRounds {
				begin := time.Now()
				scrape(handler)
				took = append(took, time.Since(begin).Seconds()*1000)
			}
			used := processTime(b) - before // of collections too
			for range scrapeRounds {
				begin := time.Now()
				f.Stats()
				stats = append(stats, time.Since(begin).Seconds()*1000)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(took.median(), "p50-ms")
			b.ReportMetric(took.quantile(0.99), "p99-ms")
			b.ReportMetric(used/scrapeRounds/1e6, "cpu-ms")
			b.ReportMetric(stats.median(), "stats-ms")
			b.ReportMetric(float64(size), "B")
			b.Logf("%v ms, of which Stats takes %v ms", took, stats)
		})
	}
}

// BenchmarkSendBesideScrapes is what Send costs while somebody scrapes ten times a second, beside
// what it costs while nobody does, in turns in one run.
func BenchmarkSendBesideScrapes(b *testing.B) {
	for _, topics := range []int{1, 10_000} {
		b.Run(fmt.Sprintf("topics=%d", topics), func(b *testing.B) {
			f, handler := waiting(b, topics)
			record := value(100)
			runtime.GC()           // of what filling left
			var p50, p99 [2]spread // alone, and beside scrapes
			for range besideRounds {
				for i := range 2 {
					stop := scrapeOften(handler, i == 1)
					took := sends(f, record)
					stop()
					p99[i] = append(p99[i], took.quantile(0.99))
					p50[i] = append(p50[i], took.median())
				}
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(p50[0].median(), "alone-p50-ns")
			b.ReportMetric(p50[1].over(p50[0]).median(), "p50-x")
			b.ReportMetric(p99[1].over(p99[0]).median(), "p99-x")
			b.Logf("p50 %v ns alone, %v ns beside scrapes; p99 %v and %v ns", p50[0], p50[1],
				p99[0], p99[1])
		})
	}
}

// sends returns how long each of many calls takes. There is no room, so that nothing changes from
// round to round.
func sends(f *forebay, record []byte) spread {
	took := make(spread, 0, besideCalls)
	for range besideCalls {
		begin := time.Now()
		f.offer("topic-0", record)
		took = append(took, float64(time.Since(begin)))
	}
	return took
}

// scrapeOften scrapes ten times a second, if it is to, until it is stopped.
func scrapeOften(h http.Handler, on bool) (stop func()) {
	if !on {
		return func() {}
	}
	var done sync.WaitGroup
	quit := make(chan struct{}) // closed by stop
	done.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			scrape(h)
			select {
			case <-quit:
				return
			case <-tick.C:
			}
		}
	})
	return func() {
		close(quit)
		done.Wait()
	}
}
