package otel_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/forebay-go/forebay/metrics"
	"github.com/forebay-go/forebay/metrics/otel"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

func stats() producer.Stats {
	books := producer.Books{Accepted: 12, Delivered: 7, Shed: 3, Pending: 2}
	s := producer.Stats{
		Priorities: map[routing.Priority]producer.Books{routing.High: books},
		Held:       map[routing.Priority]int64{routing.High: 1 << 20},
		Lanes:      map[routing.Priority]producer.LaneStats{routing.High: {Cluster: "main"}},
		Clusters:   map[string]producer.ClusterStats{"main": {State: producer.Down}},
		Refused:    map[error]uint64{producer.ErrBufferFull: 4},
	}
	traffic := producer.Traffic{Requests: 1}
	traffic.DeliveryTime.Buckets[1], traffic.DeliveryTime.Buckets[16], traffic.DeliveryTime.Sum = 6, 1, 4000
	s.Paths = []producer.PathStats{{Priority: routing.High, Cluster: "main", Traffic: traffic}}
	return s
}

// collect returns what a reader gets, by name.
func collect(t *testing.T, r metric.Reader) map[string]metricdata.Metrics {
	var got metricdata.ResourceMetrics
	require.NoError(t, r.Collect(context.Background(), &got))
	by := make(map[string]metricdata.Metrics)
	for _, scope := range got.ScopeMetrics {
		for _, m := range scope.Metrics {
			require.NotContains(t, by, m.Name)
			by[m.Name] = m
		}
	}
	return by
}

// value returns the value of the point with these attributes, and how many points there are.
func value(t *testing.T, m metricdata.Metrics, attributes ...attribute.KeyValue) (v float64,
	points int) {
	t.Helper()
	var all []metricdata.DataPoint[float64]
	switch data := m.Data.(type) {
	case metricdata.Sum[float64]:
		require.True(t, data.IsMonotonic, m.Name)
		require.Equal(t, metricdata.CumulativeTemporality, data.Temporality)
		all = data.DataPoints
	case metricdata.Gauge[float64]:
		all = data.DataPoints
	default:
		require.Fail(t, "no numbers", "%s: %T", m.Name, m.Data)
	}
	want := attribute.NewSet(attributes...)
	for _, p := range all {
		if p.Attributes.Equals(&want) {
			return p.Value, len(all)
		}
	}
	require.Fail(t, "no such point", "%s %v", m.Name, attributes)
	return 0, 0
}

var high, toMain = attribute.String("priority", "high"), attribute.String("cluster", "main")

func TestSource_GivesTheWholeTableWithTrueHistograms(t *testing.T) {
	source := otel.NewSource()
	reader := metric.NewManualReader(metric.WithProducer(source))
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	defer provider.Shutdown(context.Background())
	require.Empty(t, collect(t, reader), "no producer yet")
	who := attribute.String("producer", "a")
	detach := source.Attach(stats, otel.Options{Attributes: []attribute.KeyValue{who}})
	detachOther := source.Attach(stats, otel.Options{})
	by := collect(t, reader)
	require.Len(t, by, len(metrics.Table()))
	n, points := value(t, by["forebay.records"], high, attribute.String("outcome", "delivered"),
		who)
	require.EqualValues(t, 7, n)
	require.Equal(t, 2*5, points, "two producers")
	n, _ = value(t, by["forebay.cluster_state"], toMain, attribute.String("state", "down"))
	require.EqualValues(t, 1, n)
	require.Equal(t, "By", by["forebay.buffer"].Unit)

	h := by["forebay.delivery"].Data.(metricdata.Histogram[float64])
	require.Len(t, h.DataPoints, 2)
	require.EqualValues(t, 7, h.DataPoints[0].Count)
	require.Len(t, h.DataPoints[0].BucketCounts, len(h.DataPoints[0].Bounds)+1)
	require.EqualValues(t, 6, h.DataPoints[0].BucketCounts[1])

	detach()
	_, points = value(t, collect(t, reader)["forebay.records"], high,
		attribute.String("outcome", "delivered"))
	require.Equal(t, 5, points)
	detachOther()
	detachOther()
	require.Empty(t, collect(t, reader))
}

func TestRegister_ObservesEverythingThroughTheAPI(t *testing.T) {
	reader := metric.NewManualReader()
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	defer provider.Shutdown(context.Background())
	asked := 0
	registration, err := otel.Register(provider.Meter("test"),
		func() producer.Stats { asked++; return stats() }, otel.Options{})
	require.NoError(t, err)
	by := collect(t, reader)
	require.Equal(t, 1, asked, "one question for a scrape")
	require.Len(t, by, len(metrics.Table())+2)
	n, _ := value(t, by["forebay.records"], high, attribute.String("outcome", "shed"))
	require.EqualValues(t, 3, n)
	for le, want := range map[string]float64{"0.005": 0, "0.01": 6, "3600": 6, "+Inf": 7} {
		n, points := value(t, by["forebay.delivery.bucket"], high, toMain,
			attribute.String("le", le))
		require.Equal(t, want, n, le)
		require.Equal(t, 17, points)
	}
	n, _ = value(t, by["forebay.delivery.sum"], high, toMain)
	require.EqualValues(t, 4000, n)
	require.NoError(t, registration.Unregister())
	require.Empty(t, collect(t, reader))
	require.Equal(t, 1, asked)
}
