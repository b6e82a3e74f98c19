package prom_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/forebay-go/forebay/metrics"
	"github.com/forebay-go/forebay/metrics/prom"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func stats() producer.Stats {
	books := producer.Books{Accepted: 12, Delivered: 7, Shed: 3, Pending: 2}
	s := producer.Stats{
		Total:      books,
		Priorities: map[routing.Priority]producer.Books{routing.High: books},
		Held:       map[routing.Priority]int64{routing.High: 1 << 20},
		Lanes: map[routing.Priority]producer.LaneStats{routing.High: {Cluster: "spare",
			FellBack: true, Since: time.Unix(1000, 0)}},
		Clusters: map[string]producer.ClusterStats{"main": {State: producer.Down},
			"spare": {State: producer.Up}},
		Topics:    []producer.TopicStats{{Topic: "events", Priority: routing.High, Books: books}},
		Refused:   map[error]uint64{producer.ErrBufferFull: 4},
		HeldBytes: 1 << 20, MaxBytes: 64 << 20,
	}
	traffic := producer.Traffic{Requests: 1, RequestRecords: 7}
	traffic.DeliveryTime.Buckets[1], traffic.DeliveryTime.Buckets[16], traffic.DeliveryTime.Sum = 6, 1, 4000
	s.Traffic, s.Paths = traffic, []producer.PathStats{{Priority: routing.High, Cluster: "spare",
		Traffic: traffic}}
	return s
}

func TestCollector_ServesWhatTheTableSays(t *testing.T) {
	c := prom.New(stats, prom.Options{})
	problems, err := testutil.CollectAndLint(c)
	require.NoError(t, err)
	require.Empty(t, problems)
	require.NoError(t, testutil.CollectAndCompare(c, strings.NewReader(`
# HELP forebay_cluster_state 1 for the present state of the cluster, 0 for the others: connecting, up, degraded, down and closed.
# TYPE forebay_cluster_state gauge
forebay_cluster_state{cluster="main",state="closed"} 0
forebay_cluster_state{cluster="main",state="connecting"} 0
forebay_cluster_state{cluster="main",state="degraded"} 0
forebay_cluster_state{cluster="main",state="down"} 1
forebay_cluster_state{cluster="main",state="up"} 0
forebay_cluster_state{cluster="spare",state="closed"} 0
forebay_cluster_state{cluster="spare",state="connecting"} 0
forebay_cluster_state{cluster="spare",state="degraded"} 0
forebay_cluster_state{cluster="spare",state="down"} 0
forebay_cluster_state{cluster="spare",state="up"} 1
# HELP forebay_delivery_seconds Delivery time of records, from the Send of the oldest record in their batch to Kafka's acknowledgement. Its count is the number of records delivered.
# TYPE forebay_delivery_seconds histogram
forebay_delivery_seconds_bucket{cluster="spare",priority="high",le="0.005"} 0
forebay_delivery_seconds_bucket{cluster="spare",priority="high",le="0.01"} 6
forebay_delivery_seconds_bucket{cluster="spare",priority="high",le="0.025"} 6
forebay_delivery_seconds_bucket{cluster="spare",priority="high",le="0.05"} 6
forebay_delivery_seconds_bucket{cluster="spare",priority="high",le="0.1"} 6
forebay_delivery_seconds_bucket{cluster="spare",priority="high",le="0.25"} 6
forebay_delivery_seconds_bucket{cluster="spare",priority="high",le="0.5"} 6
forebay_delivery_seconds_bucket{cluster="spare",priority="high",le="1"} 6
forebay_delivery_seconds_bucket{cluster="spare",priority="high",le="2.5"} 6
forebay_delivery_seconds_bucket{cluster="spare",priority="high",le="5"} 6
forebay_delivery_seconds_bucket{cluster="spare",priority="high",le="10"} 6
forebay_delivery_seconds_bucket{cluster="spare",priority="high",le="30"} 6
forebay_delivery_seconds_bucket{cluster="spare",priority="high",le="60"} 6
forebay_delivery_seconds_bucket{cluster="spare",priority="high",le="300"} 6
forebay_delivery_seconds_bucket{cluster="spare",priority="high",le="600"} 6
forebay_delivery_seconds_bucket{cluster="spare",priority="high",le="3600"} 6
forebay_delivery_seconds_bucket{cluster="spare",priority="high",le="+Inf"} 7
forebay_delivery_seconds_sum{cluster="spare",priority="high"} 4000
forebay_delivery_seconds_count{cluster="spare",priority="high"} 7
# HELP forebay_records_total Accepted records that have an outcome: delivered, shed, expired, rejected or possibly_persisted.
# TYPE forebay_records_total counter
forebay_records_total{outcome="delivered",priority="high"} 7
forebay_records_total{outcome="expired",priority="high"} 0
forebay_records_total{outcome="possibly_persisted",priority="high"} 0
forebay_records_total{outcome="rejected",priority="high"} 0
forebay_records_total{outcome="shed",priority="high"} 3
# HELP forebay_refused_records_total Records that Send refused, by error. They do not count as accepted.
# TYPE forebay_refused_records_total counter
forebay_refused_records_total{error="buffer_full"} 4
# HELP forebay_topic_accepted_records_total Records that Send accepted, by topic.
# TYPE forebay_topic_accepted_records_total counter
forebay_topic_accepted_records_total{topic="events"} 12
forebay_topic_accepted_records_total{topic="other"} 0
`), "forebay_cluster_state", "forebay_delivery_seconds", "forebay_records_total", "forebay_refused_records_total", "forebay_topic_accepted_records_total"))
}

func TestCollector_EveryMetricOfTheTableIsThere(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(prom.New(stats, prom.Options{}))
	families, err := registry.Gather()
	require.NoError(t, err)
	require.Len(t, families, len(metrics.Table()))
}

func TestCollector_SeveralProducersShareARegistryByTheirLabels(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	a := prom.New(stats, prom.Options{Labels: prometheus.Labels{"producer": "a"}})
	b := prom.New(stats, prom.Options{Labels: prometheus.Labels{"producer": "b"}})
	registry.MustRegister(a, b)
	n, err := testutil.GatherAndCount(registry, "forebay_buffer_limit_bytes")
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Error(t, registry.Register(prom.New(stats,
		prom.Options{Labels: prometheus.Labels{"producer": "a"}})))
	require.True(t, registry.Unregister(a))
	n, err = testutil.GatherAndCount(registry, "forebay_buffer_limit_bytes")
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

// TestCollector_ANameThatIsNoTextCostsNoScrape: a cluster may be called anything.
func TestCollector_ANameThatIsNoTextCostsNoScrape(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(prom.New(func() producer.Stats {
		return producer.Stats{Clusters: map[string]producer.ClusterStats{"\xff": {}}}
	}, prom.Options{}))
	n, err := testutil.GatherAndCount(registry, "forebay_cluster_state_timestamp_seconds")
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

// table is a source of its own, as package audit/watch is.
type table []metrics.Metric

func (t table) Metrics() []metrics.Metric { return t }

func (t table) Read() []metrics.Sample {
	var times producer.Histogram
	times.Buckets[0], times.Sum = 3, 0.5
	return []metrics.Sample{{Metric: &t[0], Labels: []string{"a"}, Value: 7},
		{Metric: &t[1], Histogram: &times}}
}

func TestOf_ServesAnyTable(t *testing.T) {
	c := prom.Of(table{{Name: "some_records", Kind: metrics.Gauge, Labels: []string{"topic"}, Help: "Some."},
		{Name: "some_seconds", Kind: metrics.Histogram, Help: "Times."}}, prometheus.Labels{"site": "x"})
	require.NoError(t, testutil.CollectAndCompare(c, strings.NewReader(`
# HELP some_records Some.
# TYPE some_records gauge
some_records{site="x",topic="a"} 7
`), "some_records"))
	require.Equal(t, 2, testutil.CollectAndCount(c))
}
