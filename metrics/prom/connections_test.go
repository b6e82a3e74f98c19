package prom_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kotel"
	"github.com/twmb/franz-go/plugin/kprom"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/forebay-go/forebay/metrics/prom"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// deliver has a record of each priority delivered by a producer with these hooks.
func deliver(t *testing.T, hooks ...kgo.Hook) {
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "events"))
	require.NoError(t, err)
	defer k.Close()
	p, err := producer.New(producer.Config{Clusters: map[string]producer.ClusterConfig{"main": {Brokers: k.ListenAddrs()}}}, producer.WithHooks(hooks...))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	defer func() {
		_, err := p.Close(ctx)
		require.NoError(t, err)
	}()
	for _, priority := range routing.All {
		require.NoError(t, p.Send(producer.Record{Topic: "events", Priority: priority,
			Value: make([]byte, 10_000)}))
	}
	require.NoError(t, p.Flush(ctx))
}

func TestConnections_AreCountedForAllClientsOfAProducer(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	c := prom.NewConnections(registry, "kafka", kprom.Registerer(prometheus.NewRegistry()))
	deliver(t, c)
	families, err := registry.Gather()
	require.NoError(t, err)
	sums := make(map[string]float64)
	for _, family := range families {
		for _, m := range family.Metric {
			sums[family.GetName()] += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	require.GreaterOrEqual(t, sums["kafka_connects_total"], 3.0,
		"of clients for metadata, for producer IDs and for records")
	require.LessOrEqual(t, sums["kafka_disconnects_total"], sums["kafka_connects_total"])
	require.Greater(t, sums["kafka_write_bytes_total"], 30_000.0)
	require.Positive(t, sums["kafka_read_bytes_total"])
	for name := range sums {
		require.NotContains(t, name, "buffered", "it would be that of one client, for ever 0")
	}
	deliver(t, c) // another producer with the same
	again, err := testutil.GatherAndCount(registry, "kafka_connects_total")
	require.NoError(t, err)
	require.Positive(t, again)
	c.Unregister()
	families, err = registry.Gather()
	require.NoError(t, err)
	require.Empty(t, families)
}

// TestConnections_KpromByItselfPanicsForTheSecondClient is why there are Connections. When it fails
// they may go.
func TestConnections_KpromByItselfPanicsForTheSecondClient(t *testing.T) {
	m := kprom.NewMetrics("kafka")
	first, err := kgo.NewClient(kgo.WithHooks(m), kgo.DisableClientMetrics())
	require.NoError(t, err)
	defer first.Close()
	require.Panics(t, func() { _, _ = kgo.NewClient(kgo.WithHooks(m), kgo.DisableClientMetrics()) })
}

// TestConnections_KotelCountsForAllClientsAsItIs: its instruments are made once, whatever clients
// there are.
func TestConnections_KotelCountsForAllClientsAsItIs(t *testing.T) {
	reader := metric.NewManualReader()
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	defer provider.Shutdown(context.Background())
	deliver(t,
		kotel.NewKotel(kotel.WithMeter(kotel.NewMeter(kotel.MeterProvider(provider)))).Hooks()...)
	var got metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(context.Background(), &got))
	require.Len(t, got.ScopeMetrics, 1)
	i := slices.IndexFunc(got.ScopeMetrics[0].Metrics, func(m metricdata.Metrics) bool {
		return m.Name == "messaging.kafka.connects.count"
	})
	require.GreaterOrEqual(t, i, 0)
	sum := int64(0)
	for _, p := range got.ScopeMetrics[0].Metrics[i].Data.(metricdata.Sum[int64]).DataPoints {
		sum += p.Value
	}
	require.GreaterOrEqual(t, sum, int64(4))
}
