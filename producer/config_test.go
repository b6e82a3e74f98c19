package producer

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/routing"
)

func TestNew_NamesEveryMistakeAndWhatToWriteInstead(t *testing.T) {
	_, err := New(Config{
		Clusters: map[string]ClusterConfig{"a": {Brokers: []string{"host", "host:0", ":1", "ok:9092"}}, "b": {}},
		Priorities: PrioritiesConfig{
			Low:  PriorityConfig{Cluster: "c", DeliveryTimeout: time.Millisecond},
			High: PriorityConfig{MoveUnresolvedAfter: -5},
		},
		Topics:   []routing.Rule{{Topic: "x"}},
		Buffer:   BufferConfig{MaxBytes: 1000, MaxTopics: -1},
		Batching: BatchingConfig{Linger: time.Hour, MaxBytes: 1, MaxRecordBytes: -1, Compression: "zip", Acks: "none"},
		Reports:  ReportsConfig{MaxBytes: -1},
	})
	require.EqualError(t, err, `forebay: wrong configuration:
clusters.a.brokers[0]: "host": missing port in address: write host:port, such as "kafka-1:9092"
clusters.a.brokers[1]: "host:0": the port is not a number from 1 to 65535: write host:port, such as "kafka-1:9092"
clusters.a.brokers[2]: ":1": no host: write host:port, such as "kafka-1:9092"
clusters.b.brokers: none: list one broker or more as host:port
priorities.high.move_unresolved_after: -5ns: write a positive time, or -1 for never
priorities.low.cluster: there is no cluster "c": write one of a, b
priorities.low.delivery_timeout: 1ms: write 1s or more, or 0 for 2m0s
topics[0].priority: unset: write low, medium or high
buffer.max_topics: -1: write 1 or more, or 0 for 10000
reports.max_bytes: -1: write 1 or more, or 0 for half of buffer.max_bytes
batching.linger: 1h0m0s: write a time up to 1m, or -1 for none
batching.max_bytes: 1: write 1024 to 16777216, or 0 for 524288
batching.max_record_bytes: -1: write 1 to 67108864, or 0 for 1000000
batching.compression: "zip": write one of none, gzip, snappy, lz4, zstd
batching.acks: "none": write one of all, leader
buffer.max_bytes: 1000: write 1048576 or more: 1 MiB, and four times batching.max_bytes`)
	_, err = New(Config{})
	require.EqualError(t, err, "forebay: wrong configuration:\nclusters: none: name at least one cluster and its brokers")
}

func TestConfig_OneClusterServesAllPriorities(t *testing.T) {
	cfg, _, err := Config{Clusters: map[string]ClusterConfig{"only": {Brokers: []string{"a:1"}}}}.complete()
	require.NoError(t, err)
	for _, p := range routing.All {
		require.Equal(t, "only", cfg.Priorities.of(p).Cluster)
	}
	require.Equal(t, 10*time.Millisecond, cfg.Batching.Linger)
	require.EqualValues(t, 64<<20, cfg.Buffer.MaxBytes)
	require.Equal(t, "all", cfg.Batching.Acks)
	require.Equal(t, time.Hour, cfg.Priorities.High.DeliveryTimeout)
	require.Equal(t, Never, cfg.Priorities.High.MoveUnresolvedAfter)
}

func TestConfig_ClustersNamedAfterPrioritiesServeThem(t *testing.T) {
	brokers := ClusterConfig{Brokers: []string{"a:1"}}
	cfg, _, err := Config{Clusters: map[string]ClusterConfig{"low": brokers, "high": brokers, "other": brokers}}.complete()
	require.NoError(t, err)
	require.Equal(t, "low", cfg.Priorities.Low.Cluster)
	require.Equal(t, "high", cfg.Priorities.High.Cluster)
	require.Empty(t, cfg.Priorities.Medium.Cluster)
}
