//go:build synctests

package producer_test

import (
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/metrics/prom"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
	"github.com/forebay-go/forebay/test/proof"
)

// watched is a field that is scraped. It counts for itself, from what Send returns and what reports
// say, and knows what every series about records has to be.
type watched struct {
	*field
	t        *testing.T
	registry *prometheus.Registry
	noise    *rand.ChaCha8

	counting sync.Mutex         // guards the next two
	truth    map[string]float64 // by series
	maybe    map[string]float64 // the same of what is counted before it is reported

	last     map[string]float64 // the counters of the last scrape
	scrapes  int
	compared uint64
	seen     map[string]bool // the series that were 1 once
}

// scrape returns the value of each series, and which of them are counters. A histogram is its count
// and its sum.
func (w *watched) scrape() (values map[string]float64, counters []string) {
	families, err := w.registry.Gather()
	require.NoError(w.t, err)
	values = make(map[string]float64)
	for _, family := range families {
		for _, m := range family.Metric {
			name := series(family.GetName(), m.Label)
			switch family.GetType() {
			case dto.MetricType_COUNTER:
				values[name] = m.Counter.GetValue()
				counters = append(counters, name)
			case dto.MetricType_GAUGE:
				values[name] = m.Gauge.GetValue()
			case dto.MetricType_HISTOGRAM:
				values[name] = float64(m.Histogram.GetSampleCount())
				counters = append(counters, name)
			}
		}
	}
	return values, counters
}

// series names a series by the values of its labels, in the order of their names.
func series(name string, labels []*dto.LabelPair) string {
	values := []string{name}
	for _, l := range labels {
		values = append(values, l.GetValue())
	}
	return strings.Join(values, " ")
}

func words(s string) string { return strings.ReplaceAll(s, " ", "_") }

// send sends a record of a priority and notes what Send said.
func (w *watched) send(topic string, p routing.Priority, size int) {
	value := make([]byte, size)
	_, _ = w.noise.Read(value) // that compression makes no room of
	err := w.ledger.Send(w.p, producer.Record{Topic: topic, Priority: p, Value: value})
	w.counting.Lock()
	defer w.counting.Unlock()
	if err == nil {
		w.truth["forebay_accepted_records_total "+p.String()]++
		w.truth["forebay_topic_accepted_records_total "+topic]++
		w.truth["forebay_pending_records "+p.String()]++
		w.truth["forebay_topic_pending_records "+topic]++
		return
	}
	for _, known := range []error{producer.ErrBufferFull, producer.ErrRecordTooLarge} {
		if errors.Is(err, known) {
			w.truth["forebay_refused_records_total "+words(known.Error())]++
		}
	}
	if errors.Is(err, producer.ErrBufferFull) {
		w.truth["forebay_no_room_records_total "+p.String()]++
		w.truth["forebay_topic_no_room_records_total "+topic]++
	}
}

// count is the callback for reports.
func (w *watched) count(r producer.Report) {
	defer w.report(r)
	w.counting.Lock()
	defer w.counting.Unlock()
	p, outcome := r.Priority.String(), words(r.Outcome.String())
	w.truth["forebay_records_total "+outcome+" "+p]++
	w.truth["forebay_topic_records_total "+outcome+" "+r.Topic]++
	w.truth["forebay_pending_records "+p]--
	w.truth["forebay_topic_pending_records "+r.Topic]--
	if r.Outcome == producer.Delivered {
		w.truth["forebay_delivery_seconds "+r.Cluster+" "+p]++
		w.truth["forebay_cluster_records "+r.Cluster+" delivered"]++
	} else {
		w.truth["forebay_lost_records_total "+p+" "+words(r.Reason.String())]++
	}
	if r.MaybeDuplicated {
		w.maybe["forebay_maybe_duplicated_records_total "+p]++
		w.maybe["forebay_topic_maybe_duplicated_records_total "+r.Topic]++
	}
}

// check scrapes when everything rests, so that what has an outcome was reported, and compares.
func (w *watched) check() map[string]float64 {
	synctest.Wait()
	values, counters := w.scrape()
	w.scrapes++
	w.counting.Lock()
	defer w.counting.Unlock()
	for name, want := range w.truth {
		got, ok := values[name]
		require.True(w.t, ok, name)
		require.Equal(w.t, want, got, name)
		w.compared++
	}
	for name, reported := range w.maybe {
		require.GreaterOrEqual(w.t, values[name], reported, name)
	}
	now := make(map[string]float64)
	for _, name := range counters {
		require.GreaterOrEqual(w.t, values[name], w.last[name], "%s fell", name)
		now[name] = values[name]
	}
	w.nothingElse(values)
	for name, value := range values {
		w.seen[name] = w.seen[name] || value == 1
	}
	w.last = now
	return values
}

// nothingElse fails the test if a series about records counts what did not happen.
func (w *watched) nothingElse(values map[string]float64) {
	kinds := make(map[string]bool)
	for name := range w.truth {
		kind, _, _ := strings.Cut(name, " ")
		kinds[kind] = kind != "forebay_cluster_records" // what waits, counts there too
	}
	for name, value := range values {
		if kind, _, _ := strings.Cut(name, " "); kinds[kind] && w.truth[name] == 0 {
			require.Zero(w.t, value, name)
			w.compared++
		}
	}
}

// load has every priority send for d, and low more than there is room for, and scrapes twice a
// second.
func (w *watched) load(d time.Duration, flood int) {
	for i := range int(d / (100 * time.Millisecond)) {
		for range 3 {
			w.send("clicks", routing.High, 100)
			w.send("orders", routing.Medium, 100)
		}
		for range flood {
			w.send("logs", routing.Low, 1000)
		}
		time.Sleep(100 * time.Millisecond)
		if i%5 == 0 {
			w.check()
		}
	}
}

func TestVirtual_F14_EveryScrapeOfAnOutageSaysWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := proof.Of(t, "F14", "F8", "F15")
		f := newField(t, two, func(cfg *producer.Config) {
			cfg.Buffer.MaxBytes, cfg.Batching.MaxBytes = 2<<20, 16<<10
			cfg.Batching.MaxRecordBytes = 8 << 10
			cfg.Reports.MaxBytes = 16 << 20
			cfg.Priorities.Low.DeliveryTimeout = 8 * time.Second
			cfg.Priorities.Medium.MoveUnresolvedAfter = 2 * time.Second
		})
		defer f.end()
		for _, name := range two {
			for _, topic := range []string{"clicks", "orders", "logs"} {
				f.make(name, topic, topic)
			}
		}
		w := &watched{field: f, t: t, registry: prometheus.NewPedanticRegistry(),
			noise: rand.NewChaCha8([32]byte{}), seen: make(map[string]bool),
			truth: make(map[string]float64), maybe: make(map[string]float64)}
		f.begin(producer.WithDelivery(w.count))
		w.registry.MustRegister(prom.New(f.p.Stats, prom.Options{}))

		w.load(3*time.Second, 5)
		w.send("clicks", routing.High, 9<<10) // too large
		w.unansweredOf(c)
		w.load(15*time.Second, 5)   // low expires
		w.load(15*time.Second, 300) // and has to make room
		away := w.check()
		require.InDelta(t, 30, away["forebay_oldest_record_age_seconds high"], 1)
		require.Greater(t, away["forebay_buffer_bytes low"]+away["forebay_buffer_bytes high"],
			1.5*(1<<20))
		f.k["main"].link.Restore()
		w.load(70*time.Second, 5)
		f.flush()
		closeWithin(t, f.p, time.Minute)

		end := w.check()
		require.Equal(t, w.maybe["forebay_maybe_duplicated_records_total medium"],
			end["forebay_maybe_duplicated_records_total medium"])
		for _, series := range []string{"forebay_cluster_state main down",
			"forebay_cluster_state main up", "forebay_fell_back medium",
			"forebay_route spare medium", "forebay_shedding low"} {
			require.True(t, w.seen[series], series)
		}
		require.EqualValues(t, 2, end["forebay_switches_total medium"])
		for _, series := range []string{"forebay_lost_records_total low delivery_timeout",
			"forebay_lost_records_total low preempted_by_high",
			"forebay_refused_records_total buffer_full", "forebay_refused_records_total " +
				"record_too_large", "forebay_maybe_duplicated_records_total medium"} {
			require.Positive(t, end[series], series)
		}
		f.judge()
		w.matchLedger(end)
		c.Bit("scrapes", int64(w.scrapes))
		c.Figure("series about records compared", "%d", w.compared)
		c.Figure("reasons of the losses meanwhile", "%v", slices.Sorted(maps.Keys(f.lost)))
		f.ledger.Prove(c)
	})
}

// unansweredOf cuts main off right after a record of medium was written there.
func (w *watched) unansweredOf(c *proof.Case) {
	link := w.k["main"].link
	before := link.Cuts()
	link.CutAfterWrites(1)
	for link.Cuts() == before {
		w.send("orders", routing.Medium, 100)
		time.Sleep(20 * time.Millisecond)
	}
	link.Cut()
	link.CutAfterWrites(0)
	c.Bit("connections cut right after a write", link.Cuts()-before)
}

// matchLedger compares the last scrape with what the ledger has counted, which has read the log
// back.
func (w *watched) matchLedger(end map[string]float64) {
	sum := func(kind string) (n float64) {
		for name, value := range end {
			if strings.HasPrefix(name, kind+" ") {
				n += value
			}
		}
		return n
	}
	tally := w.ledger.Tally()
	require.EqualValues(w.t, tally.Accepted, sum("forebay_accepted_records_total"))
	require.EqualValues(w.t, tally.Attempted-tally.Accepted, sum("forebay_refused_records_total"))
	require.EqualValues(w.t, tally.MaybeDuplicated, sum("forebay_maybe_duplicated_records_total"))
	for _, o := range []producer.Outcome{producer.Delivered, producer.Shed, producer.Expired,
		producer.Rejected, producer.PossiblyPersisted} {
		require.EqualValues(w.t, tally.Outcomes[o], sum("forebay_records_total "+words(o.String())),
			o)
	}
	require.EqualValues(w.t, tally.Outcomes[producer.Delivered], sum("forebay_delivery_seconds"))
	require.EqualValues(w.t, tally.Accepted, sum("forebay_cluster_records"))
	require.EqualValues(w.t, tally.Accepted-tally.Outcomes[producer.Delivered],
		sum("forebay_lost_records_total"))
}
