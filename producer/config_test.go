package producer

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/internal/dispatch"
	"github.com/forebay-go/forebay/routing"
)

func TestNew_NamesEveryMistakeAndWhatToWriteInstead(t *testing.T) {
	_, err := New(Config{
		Clusters: map[string]ClusterConfig{"a": {Brokers: []string{"host", "host:0", ":1",
			"ok:9092"}},
			"b": {CreateTopics: CreateTopicsConfig{Partitions: -1, ReplicationFactor: -2}}},
		Priorities: PrioritiesConfig{
			Low:  PriorityConfig{Cluster: "c", DeliveryTimeout: time.Millisecond},
			High: PriorityConfig{MoveUnresolvedAfter: -5, SwitchEvery: -6},
		},
		Topics: []TopicConfig{{Topic: "x"}},
		Buffer: BufferConfig{MaxBytes: 1000, MaxTopics: -1},
		Batching: BatchingConfig{Linger: time.Hour, MaxBytes: 1, MaxRecordBytes: -1,
			Compression: "zip", Acks: "none"},
		Reports:  ReportsConfig{MaxBytes: -1},
		Resolver: ResolverConfig{RefreshEvery: time.Millisecond, StaleFor: -1},
	})
	require.EqualError(t, err, `forebay: wrong configuration:
clusters.a.brokers[0]: "host": missing port in address: write host:port, such as "kafka-1:9092"
clusters.a.brokers[1]: "host:0": the port is not a number from 1 to 65535: write host:port, such as "kafka-1:9092"
clusters.a.brokers[2]: ":1": no host: write host:port, such as "kafka-1:9092"
clusters.b.brokers: none: list one broker or more as host:port
clusters.b.create_topics.partitions: -1: write 1 or more, or 0 for the brokers' default
clusters.b.create_topics.replication_factor: -2: write 1 or more, or 0 for the brokers' default
priorities.high.switch_every: -6ns: write a positive time up to 8760h (365 days), or 0 for 1m
priorities.high.move_unresolved_after: -5ns: write a positive time up to 8760h (365 days), or -1 for never
priorities.low.cluster: there is no cluster "c": write one of a, b
priorities.low.delivery_timeout: 1ms: write 1s to 8760h (365 days), or 0 for 2m0s
buffer.max_topics: -1: write 1 or more, or 0 for 10000
reports.max_bytes: -1: write 1 or more, or 0 for half of buffer.max_bytes
batching.linger: 1h0m0s: write a time up to 1m, or -1 for none
batching.max_bytes: 1: write 1024 to 16777216, or 0 for 1000000
batching.max_record_bytes: -1: write 1 to 67108864, or 0 for 1000000
batching.compression: "zip": write one of none, gzip, snappy, lz4, zstd
batching.acks: "none": write all or leader: without an acknowledgement nothing is known to be delivered
topics[0].priority: unset: write low, medium or high, or give the entry another setting
priorities.medium.cluster: not set, and medium is the default priority: write one of a, b
buffer.max_bytes: 1000: write 1048576 or more: 1 MiB, and four times batching.max_bytes
resolver.refresh_every: 1ms: write 1s to 8760h (365 days), or 0 for 30s`)
	_, err = New(Config{})
	require.EqualError(t, err,
		"forebay: wrong configuration:\nclusters: none: name at least one cluster and its brokers")
}

// A time that overflows in a sum would come at once, where somebody meant for ever.
func TestNew_EveryTimeHasABound(t *testing.T) {
	checked := 0
	var visit func(of reflect.Type, path string, index ...int)
	visit = func(of reflect.Type, path string, index ...int) {
		for i := range of.NumField() {
			f := of.Field(i)
			field, at := strings.TrimPrefix(path+"."+f.Tag.Get("yaml"),
				"."), append(slices.Clone(index), i)
			switch {
			case f.Type == reflect.TypeFor[time.Duration]():
				for _, d := range []time.Duration{math.MaxInt64, longest + 1} {
					cfg := Config{Clusters: map[string]ClusterConfig{"only": {Brokers: []string{"a:1"}}}}
					reflect.ValueOf(&cfg).Elem().FieldByIndex(at).SetInt(int64(d))
					_, err := cfg.Complete()
					require.ErrorContains(t, err, fmt.Sprintf("%s: %v: write ", field, d))
				}
				checked++
			case f.Type.Kind() == reflect.Struct:
				visit(f.Type, field, at...)
			}
		}
	}
	visit(reflect.TypeFor[Config](), "")
	require.Equal(t, 3*5+2+2, checked)
	require.Equal(t, dispatch.Never, Never, "there is one such value")
}

func TestConfig_OneClusterServesAllPriorities(t *testing.T) {
	cfg, _, err := new(options).complete(Config{Clusters: map[string]ClusterConfig{"only": {Brokers: []string{"a:1"}}}})
	require.NoError(t, err)
	for _, p := range routing.All {
		require.Equal(t, "only", cfg.Priorities.of(p).Cluster)
	}
	require.Equal(t, 10*time.Millisecond, cfg.Batching.Linger)
	require.EqualValues(t, 64<<20, cfg.Buffer.MaxBytes)
	require.Equal(t, "all", cfg.Batching.Acks)
	require.Equal(t, time.Hour, cfg.Priorities.High.DeliveryTimeout)
	require.Equal(t, time.Minute, cfg.Priorities.High.SwitchEvery)
	require.Equal(t, Never, cfg.Priorities.High.MoveUnresolvedAfter)
	require.Equal(t, ResolverConfig{RefreshEvery: 30 * time.Second, StaleFor: 24 * time.Hour},
		cfg.Resolver)
}

func TestConfig_ClustersNamedAfterPrioritiesServeThem(t *testing.T) {
	brokers := ClusterConfig{Brokers: []string{"a:1"}}
	cfg, _, err := new(options).complete(Config{Clusters: map[string]ClusterConfig{"low": brokers,
		"high": brokers, "other": brokers},
		Priorities: PrioritiesConfig{Medium: PriorityConfig{Cluster: "other"}}})
	require.NoError(t, err)
	require.Equal(t, "low", cfg.Priorities.Low.Cluster)
	require.Equal(t, "high", cfg.Priorities.High.Cluster)
	require.Equal(t, "other", cfg.Priorities.Medium.Cluster)
}

// A priority that records get by themselves, and that has no cluster, would refuse every one of
// them.
func TestNew_WantsAClusterForEachPriorityThatRecordsGet(t *testing.T) {
	for _, x := range []struct {
		clusters []string
		rules    []TopicConfig
		set      func(*PrioritiesConfig)
		says     string // empty: nothing
		warns    []string
	}{
		{clusters: []string{"high", "low", "medium"},
			rules: []TopicConfig{{Topic: "plays", Priority: routing.High}}},
		{clusters: []string{"hgih", "low", "medium"},
			rules: []TopicConfig{{Topic: "plays", Priority: routing.High}},
			says:  `topics[0].priority: high has no cluster: set priorities.high.cluster to one of hgih, low, medium; or is "hgih" to be called "high"?`},
		{clusters: []string{"hgih", "low", "medium"}, warns: []string{"clusters.hgih"}},
		{clusters: []string{"eu", "us"},
			says: "priorities.medium.cluster: not set, and medium is the default priority: " +
				"write one of eu, us"},
		{clusters: []string{"eu", "us"}, set: func(c *PrioritiesConfig) { c.Medium.Cluster = "eu" },
			warns: []string{"clusters.us"}},
		{clusters: []string{"eu", "us"}, set: func(c *PrioritiesConfig) {
			c.Medium = PriorityConfig{Cluster: "eu", Fallbacks: []routing.Fallback{{Cluster: "us"}}}
		}},
		{clusters: []string{"high", "low"}, rules: []TopicConfig{{Topic: "plays",
			Priority: routing.High}, {Topic: "*", Priority: routing.Low}}},
	} {
		cfg := Config{Clusters: make(map[string]ClusterConfig), Topics: x.rules}
		for _, name := range x.clusters {
			cfg.Clusters[name] = ClusterConfig{Brokers: []string{"a:1"}}
		}
		if x.set != nil {
			x.set(&cfg.Priorities)
		}
		_, err := cfg.Complete()
		if x.says != "" {
			require.EqualError(t, err, "forebay: wrong configuration:\n"+x.says)
			require.Empty(t, cfg.Warnings())
			continue
		}
		require.NoError(t, err)
		var fields []string
		for _, w := range cfg.Warnings() {
			fields = append(fields, w.Field)
			require.Equal(t,
				"no priority uses this cluster: make it the cluster or a fallback of a "+
					"priority, or remove it", w.Text)
		}
		require.Equal(t, x.warns, fields)
	}
}

func TestNew_TakesKafkasOwnSpellings(t *testing.T) {
	for _, mechanism := range []string{"SCRAM-SHA-512", "scram_sha_512", "Scram-Sha-512"} {
		for _, acks := range []string{"-1", "ALL", "all"} {
			cfg, err := Config{
				Clusters: map[string]ClusterConfig{"only": {Brokers: []string{"a:1"},
					SASL: SASLConfig{Mechanism: mechanism, User: "u", Password: "p"}}},
				Batching: BatchingConfig{Compression: "ZSTD", Acks: acks,
					Partitioner: "Round-Robin"},
			}.Complete()
			require.NoError(t, err)
			require.Equal(t, "scram-sha-512", cfg.Clusters["only"].SASL.Mechanism)
			require.Equal(t, []string{"zstd", "all", "round_robin"},
				[]string{cfg.Batching.Compression, cfg.Batching.Acks, cfg.Batching.Partitioner})
		}
	}
	cfg, err := Config{Clusters: map[string]ClusterConfig{"only": {Brokers: []string{"a:1"}}},
		Batching: BatchingConfig{Acks: "1"}}.Complete()
	require.NoError(t, err)
	require.Equal(t, "leader", cfg.Batching.Acks)
}

func TestNew_TakesAddressesOfBrokersAndNothingElse(t *testing.T) {
	brokers := func(addr string) ([]string, error) {
		given := []string{addr}
		cfg, err := Config{Clusters: map[string]ClusterConfig{"a": {Brokers: given}}}.Complete()
		require.Equal(t, addr, given[0], "the caller's")
		return cfg.Clusters["a"].Brokers, err
	}
	for addr, want := range map[string]string{
		" kafka-1:9092": "", "kafka-2:9092\t": "", "kafka_3.example.com.:9092": "",
		"10.0.0.1:9092": "", "[::1]:9092": "", "[fe80::1%eth0]:9092": "",
		"bücher.example:9092": "",

		"kafka 1:9092":           `a host name cannot contain ' '`,
		"kafka\t1:9092":          `a host name cannot contain '\t'`,
		"kafka/1:9092":           `a host name cannot contain '/'`,
		"kafka:9092/":            `a host name cannot contain '/'`,
		"'kafka:9092'":           `a host name cannot contain '\''`,
		"\"kafka:9092\"":         `a host name cannot contain '"'`,
		"kafka:+9092":            "the port is not a number from 1 to 65535",
		"kafka:":                 "the port is not a number from 1 to 65535",
		"kafka:65536":            "the port is not a number from 1 to 65535",
		"kafka://host:9092":      "remove kafka:// from it",
		"kafka-1:9092,kafka-2:1": "several brokers in one item: make each an item of its own",
		"::1:9092":               "too many colons in address",
		"":                       "missing port in address",
	} {
		got, err := brokers(addr)
		if want == "" {
			require.NoError(t, err, addr)
			require.Equal(t, []string{strings.TrimSpace(addr)}, got)
			continue
		}
		require.EqualError(t, err,
			fmt.Sprintf("forebay: wrong configuration:\nclusters.a.brokers[0]: %q: %s: write "+
				"host:port, such as \"kafka-1:9092\"", addr, want))
	}
}

func TestConfig_CompleteChangesNothingTheSecondTime(t *testing.T) {
	only := map[string]ClusterConfig{"only": {Brokers: []string{"a:1"}}}
	for _, linger := range []time.Duration{0, NoLinger, time.Second} {
		once, err := Config{Clusters: only, Batching: BatchingConfig{Linger: linger}}.Complete()
		require.NoError(t, err)
		twice, err := once.Complete()
		require.NoError(t, err)
		require.Equal(t, once, twice)
		again, _, err := new(options).complete(once)
		require.NoError(t, err)
		first, _, err := new(options).complete(Config{Clusters: only,
			Batching: BatchingConfig{Linger: linger}})
		require.NoError(t, err)
		require.Equal(t, first, again, "what New makes of either")
	}
	_, err := Config{}.Complete()
	require.ErrorContains(t, err, "clusters: none")
}

func TestConfig_AProducerIDExpirationIsNoNegativeTime(t *testing.T) {
	_, err := New(Config{Clusters: map[string]ClusterConfig{"a": {Brokers: []string{"a:1"},
		ProducerIDExpiration: -1}}})
	require.ErrorContains(t, err,
		"clusters.a.producer_id_expiration: -1ns: write what producer.id.expiration.ms of the "+
			"brokers says, or 0 for 24h")
}

func TestConfig_RecordsKeepToAtLeastOneBroker(t *testing.T) {
	_, err := New(Config{Clusters: map[string]ClusterConfig{"a": {Brokers: []string{"a:1"},
		MaxBrokers: -2}}})
	require.ErrorContains(t, err, "clusters.a.max_brokers: -2: write a number of brokers, -1 for "+
		"all, or 0 for 8 of more than 16 and otherwise all")
}

func TestConfig_MaxLingerIsNotBelowLinger(t *testing.T) {
	for _, tt := range []struct{ linger, most time.Duration }{
		{0, time.Millisecond}, {20 * time.Millisecond, 10 * time.Millisecond}, {0, 2 * time.Minute},
		{0, -1},
	} {
		_, err := New(Config{Clusters: map[string]ClusterConfig{"a": {Brokers: []string{"a:1"}}},
			Batching: BatchingConfig{Linger: tt.linger, MaxLinger: tt.most}})
		require.ErrorContains(t, err, "batching.max_linger: "+tt.most.String()+
			": write a time from batching.linger (")
	}
	p, err := New(Config{Clusters: map[string]ClusterConfig{"a": {Brokers: []string{"a:1"}}},
		Batching: BatchingConfig{Linger: NoLinger, MaxLinger: time.Second}})
	require.NoError(t, err)
	_, err = p.Close(t.Context())
	require.NoError(t, err)
}

func TestConfig_ProbesAreNeitherTooOftenNorTooRare(t *testing.T) {
	for _, d := range []time.Duration{-1, 99 * time.Millisecond, 11 * time.Minute} {
		_, err := New(Config{Clusters: map[string]ClusterConfig{"a": {Brokers: []string{"a:1"},
			ProbeMax: d}}})
		require.ErrorContains(t, err, "clusters.a.probe_max: "+d.String()+
			": write a time from 100ms to 10m, or 0 for 2s")
	}
}
