package config

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
)

// valid is enough for a producer.
const valid = "clusters: {events: {brokers: [a:9092]}}\n"

func load(t *testing.T, text string, opts ...Option) producer.Config {
	t.Helper()
	cfg, _, err := Parse("f.yaml", []byte(text), append([]Option{WithEnviron()}, opts...)...)
	require.NoError(t, err)
	return cfg
}

func TestLoad_ReadsAFileFromDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "forebay.yaml")
	require.NoError(t, os.WriteFile(path, []byte(valid), 0o600))
	cfg, origins, err := Load(path, WithEnviron())
	require.NoError(t, err)
	require.Equal(t, []string{"a:9092"}, cfg.Clusters["events"].Brokers)
	require.Equal(t, path+":1:21", origins.Of("clusters.events.brokers").String())

	_, _, err = Load(path+".not", WithEnviron())
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.EqualError(t, err,
		"forebay: wrong configuration:\n"+path+".not: cannot be read: no such file or directory")

	cfg, _, err = Load("", WithEnviron("FOREBAY_CLUSTERS_EVENTS_BROKERS=a:9092"))
	require.NoError(t, err, "no file is needed")
	require.Len(t, cfg.Clusters, 1)
}

func TestLoad_TakesTheEnvironmentOfTheProcess(t *testing.T) {
	t.Setenv("FOREBAY_BUFFER_MAX_BYTES", "128MiB")
	// variables of the tools of this repository
	for _, tooling := range []string{"FOREBAY_KAFKA_CACHE", "FOREBAY_SKIP_KAFKA"} {
		t.Setenv(tooling, "")
		require.NoError(t, os.Unsetenv(tooling))
	}
	cfg, _, err := Parse("f.yaml", []byte(valid))
	require.NoError(t, err)
	require.EqualValues(t, 128<<20, cfg.Buffer.MaxBytes)
}

func TestLoad_CodeGoesBeforeTheEnvironmentBeforeTheFile(t *testing.T) {
	text := valid +
		"buffer: {max_bytes: 32MiB, max_topics: 1}\nbatching: {linger: 1ms, acks: leader}\n"
	cfg, origins, err := Parse("f.yaml", []byte(text),
		WithEnviron("FOREBAY_BUFFER_MAX_BYTES=48MiB", "FOREBAY_BATCHING_LINGER=2ms", "HOME=/"),
		Override(func(cfg *producer.Config) {
			cfg.Batching.Linger = 3 * time.Millisecond
			cfg.Clusters["other"] = producer.ClusterConfig{Brokers: []string{"b:1"}}
			cfg.Priorities.Medium.Cluster = "events"
			cfg.Batching.Acks = ""
		}))
	require.NoError(t, err)
	require.Equal(t, 3*time.Millisecond, cfg.Batching.Linger)
	require.EqualValues(t, 48<<20, cfg.Buffer.MaxBytes)
	require.Equal(t, 1, cfg.Buffer.MaxTopics)
	settings, err := Effective(cfg, origins)
	require.NoError(t, err)
	got := make(map[string]string)
	for _, s := range settings {
		got[s.Field] = s.Value + " from " + s.Origin.String()
	}
	for field, want := range map[string]string{
		"client_id":               `"forebay" from default`,
		"clusters.events.brokers": "[a:9092] from f.yaml:1:21",
		"clusters.other.brokers":  "[b:1] from code",
		"buffer.max_bytes":        "48MiB from FOREBAY_BUFFER_MAX_BYTES",
		"buffer.max_topics":       "1 from f.yaml:2:40",
		"batching.linger":         "3ms from code",
		"batching.max_bytes":      "1MB from default",
		"batching.acks":           `"all" from default`,
	} {
		require.Equal(t, want, got[field], field)
	}
}

func TestLoad_EnvironmentNamesClustersAndItems(t *testing.T) {
	cfg := load(t,
		"clusters: {us-east: {brokers: [a:1]}, EU: {brokers: [b:1]}}\ntopics: [{topic: a, "+
			"priority: low}]\n", WithEnviron(
			"FOREBAY_PRIORITIES={low: {cluster: EU}, medium: {cluster: EU}, high: {cluster: "+
				"us-east}}",
			"FOREBAY_CLUSTERS_US_EAST_BROKERS=[::1]:9092, c:2",
			"FOREBAY_CLUSTERS_EU_BROKERS=[d:3]",
			"FOREBAY_CLUSTERS_A_B_CREATE_TOPICS_ENABLED=on",
			"FOREBAY_CLUSTERS_A_B_BROKERS=e:4",
			"FOREBAY_CLUSTERS_A_B_CREATE_TOPICS_CONFIGS=retention.ms=7200000, x=y=z",
			"FOREBAY_TOPICS_0_PRIORITY=high",
			"FOREBAY_TOPICS_1_TOPIC=b,*",
			"FOREBAY_TOPICS_1_PRIORITY=low",
			"FOREBAY_BUFFER={max_topics: 7}",
			"FOREBAY_BATCHING_ACKS=",
			"FOREBAY_SERVICE_HOST=10.0.0.1", "FOREBAY_PORT=tcp://10.0.0.1:80",
			"FOREBAY_PORT_80_TCP_ADDR=10.0.0.1", "FOREBAY_WEB_SERVICE_PORT_HTTP=80",
		))
	require.Len(t, cfg.Clusters, 3)
	require.Equal(t, []string{"[::1]:9092", "c:2"}, cfg.Clusters["us-east"].Brokers)
	require.Equal(t, []string{"d:3"}, cfg.Clusters["EU"].Brokers)
	require.Equal(t, map[string]string{"retention.ms": "7200000", "x": "y=z"},
		cfg.Clusters["a_b"].CreateTopics.Configs)
	require.Equal(t, "high", cfg.Topics[0].Priority.String())
	require.Equal(t, "b,*", cfg.Topics[1].Topic)
	require.Equal(t, 7, cfg.Buffer.MaxTopics)

	cfg = load(t, valid+"topics: [{topic: a, priority: low}]\n",
		WithEnviron("FOREBAY_TOPICS=[{topic: 'playback.*', priority: high}]",
			"FOREBAY_CLUSTERS={other: {brokers: [x:1]}}"))
	require.Len(t, cfg.Topics, 1)
	require.Equal(t, "playback.*", cfg.Topics[0].Topic)
	require.Len(t, cfg.Clusters, 1, "replaced")
}

func TestLoad_FollowsAliasesAndMerges(t *testing.T) {
	cfg := load(t, `
clusters:
  low: &common
    brokers: &seeds [a:1]
    create_topics: {enabled: true, partitions: 3}
  high:
    <<: *common
    create_topics: {enabled: false}
  other: {brokers: *seeds}
buffer: # all of it is commented out
priorities: {medium: {cluster: other}}
`)
	require.Equal(t, []string{"a:1"}, cfg.Clusters["high"].Brokers)
	require.Zero(t, cfg.Clusters["high"].CreateTopics.Partitions)
	require.EqualValues(t, 3, cfg.Clusters["low"].CreateTopics.Partitions)
	require.Equal(t, []string{"a:1"}, cfg.Clusters["other"].Brokers)
}

// bomb is a list of aliases of a list: a million values if all are followed.
func bomb() string {
	topics := "[" + strings.Repeat("x, ", 999) + "x]"
	fallback := "{cluster: a, topics: " + topics + "}"
	list := "[&f " + fallback + strings.Repeat(", *f", 999) + "]"
	return "priorities: {low: {fallbacks: " + list + "}}\n"
}

func TestLoad_IsNotBlownUpByAliases(t *testing.T) {
	for name, text := range map[string]string{
		"lists": bomb(),
		"merge": "buffer: &b\n  <<: [*b, *b, *b, *b, *b, *b, *b]\n  max_topics: 1\n",
	} {
		_, _, err := Parse("f.yaml", []byte(text), WithEnviron())
		require.ErrorContains(t, err, "more than 100000 values", name)
	}
}

func TestLoad_TakesOptionsThatAreNil(t *testing.T) {
	opts := []Option{nil, Override(nil), WithOptions(nil), WithOutcome(nil), WithLogger(nil),
		WithSlog((*slog.Logger)(nil)), WithReload(nil)}
	require.Len(t, load(t, valid, opts...).Clusters, 1)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	Watch(ctx, filepath.Join(t.TempDir(), "not"), producer.Config{}, nil, opts...)
}

// Zero fields of a Config mean the default; a zero that somebody has written does not.
func TestLoad_AZeroThatIsWrittenIsNotTheDefault(t *testing.T) {
	cfg := load(t,
		valid+"batching: {linger: 0}\npriorities: {low: {guaranteed_share: 0}, high: "+
			"{wire_share: 0}}\ntopics: [{topic: a, priority: low, max_share: 0}]\n")
	require.Equal(t, producer.NoLinger, cfg.Batching.Linger)
	require.InDelta(t, producer.NoGuarantee, cfg.Priorities.Low.GuaranteedShare, 0)
	cfg = load(t, valid, WithEnviron("FOREBAY_BATCHING_LINGER=0s"))
	require.Equal(t, producer.NoLinger, cfg.Batching.Linger)
	cfg = load(t, valid+"buffer: {max_topics: 0}\n", WithEnviron("FOREBAY_BUFFER_MAX_TOPICS=7"))
	require.Equal(t, 7, cfg.Buffer.MaxTopics, "the variable goes before the file")
	cfg = load(t, valid, Override(func(cfg *producer.Config) { cfg.Batching.Linger = 0 }))
	require.Zero(t, cfg.Batching.Linger, "code says what producer.Config says")
}

func TestWarnings_SayWhereTheSettingIs(t *testing.T) {
	cfg, origins, err := Parse("f.yaml",
		[]byte("clusters:\n  events:\n    brokers: [a:9092]\n    sasl: {mechanism: plain, user: "+
			"u, password: p}\n"), WithEnviron())
	require.NoError(t, err)
	warnings := Warnings(cfg, origins)
	require.Len(t, warnings, 1)
	require.Equal(t,
		"f.yaml:4:23: clusters.events.sasl.mechanism: plain without TLS sends the credentials "+
			"in clear text: set tls.enabled, or use WithTLS, even with a dialer of your own",
		warnings[0].Error())
}

// NoLinger and Never are the same value, but a linger of "never" would mean the opposite.
func TestValues_NoLingerIsNone(t *testing.T) {
	cfg, _, err := Parse("f.yaml",
		[]byte("clusters: {a: {brokers: [a:1]}}\nbatching: {linger: 0}\n"), WithEnviron())
	require.NoError(t, err)
	require.Equal(t, producer.NoLinger, cfg.Batching.Linger)
	require.Equal(t, "none", format(reflect.ValueOf(cfg.Batching.Linger), "linger"))
	require.Equal(t, "never", format(reflect.ValueOf(producer.Never), "move_unresolved_after"))
}

// A value as it is displayed can be written in a file, where -1 is no share.
func TestValues_NoGuaranteeIsZero(t *testing.T) {
	cfg := load(t, valid+"priorities: {low: {guaranteed_share: 0}}\n")
	settings, err := Effective(cfg, nil)
	require.NoError(t, err)
	for _, field := range []string{"priorities.low.guaranteed_share",
		"priorities.high.guaranteed_share"} {
		require.Contains(t, settings, Setting{Field: field, Value: "0"})
	}
	again := load(t, string(yamlOf(t, cfg)))
	require.InDelta(t, producer.NoGuarantee, again.Priorities.Low.GuaranteedShare, 0)
}

func TestValues_AreReadAndWrittenAsPeopleDo(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"10ms": 10 * time.Millisecond, "1h": time.Hour, "2d": 48 * time.Hour,
		"1d12h": 36 * time.Hour, "1h30m": 90 * time.Minute,
		"never": producer.Never, "none": producer.NoLinger, "-1": -1, "0": 0,
	} {
		got, err := parseDuration(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		again, err := parseDuration(formatDuration(got))
		require.NoError(t, err)
		require.Equal(t, got, again)
	}
	require.Equal(t, []string{"1h", "1h30m", "2m", "1m1s", "100ms", "0s", "10m", "1h0m5s"},
		[]string{formatDuration(time.Hour), formatDuration(90 * time.Minute),
			formatDuration(2 * time.Minute), formatDuration(61 * time.Second),
			formatDuration(100 * time.Millisecond), formatDuration(0),
			formatDuration(10 * time.Minute), formatDuration(time.Hour + 5*time.Second)})
	for text, want := range map[string]int64{"64MiB": 64 << 20, "512KiB": 512 << 10, "1MB": 1e6,
		"1.5GiB": 3 << 29, "1000": 1000, "1_000_000": 1e6,
		"64 MiB": 64 << 20, "-1": -1, "0": 0, "9223372036854775807": 1<<63 - 1} {
		got, err := parseSize(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		again, err := parseSize(formatSize(got))
		require.NoError(t, err)
		require.Equal(t, got, again)
	}
	require.Equal(t, []string{"64MiB", "1MB", "1025", "1KiB", "3GB", "0"},
		[]string{formatSize(64 << 20), formatSize(1e6), formatSize(1025), formatSize(1024),
			formatSize(3e9), formatSize(0)})
	for text, want := range map[string]float64{"0.25": 0.25, "25%": 0.25, "1": 1, "1e-3": 0.001} {
		got, err := parseFloat(text)
		require.NoError(t, err, text)
		require.InDelta(t, want, got, 0)
	}
}
