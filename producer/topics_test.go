package producer

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/routing"
)

// topical returns settings with entries for topics.
func topical(topics ...TopicConfig) Config {
	return Config{Clusters: map[string]ClusterConfig{"main": {Brokers: []string{"a:1"}}},
		Topics: topics}
}

func TestConfig_TopicHasOfItsEntryAndOfAllTopics(t *testing.T) {
	cfg := topical(
		TopicConfig{Topic: "play.*", Priority: routing.High, Compression: "lz4", Acks: "1"},
		TopicConfig{Topic: "play.debug", Priority: routing.Low, Linger: time.Minute},
		TopicConfig{Topic: "*", CompressionLevel: 7, DeliveryTimeout: 2 * time.Second,
			MaxBatchBytes: 5000},
	)
	cfg.Batching = BatchingConfig{Linger: time.Second, Compression: "ZSTD", CompressionLevel: 3}
	for name, want := range map[string]TopicConfig{
		"play.start": {Priority: routing.High, Linger: time.Second, DeliveryTimeout: time.Hour,
			MaxBatchBytes: 1_000_000, Compression: "lz4", Acks: "leader"},
		"play.debug": {Priority: routing.Low, Linger: 2 * time.Minute / 16,
			DeliveryTimeout: 2 * time.Minute, MaxBatchBytes: 1_000_000, Compression: "zstd",
			CompressionLevel: 3, Acks: "all"},
		"other": {Priority: routing.Medium, Linger: 125 * time.Millisecond,
			DeliveryTimeout: 2 * time.Second, MaxBatchBytes: 5000, Compression: "zstd",
			CompressionLevel: 7, Acks: "all"},
	} {
		is, err := cfg.Topic(name)
		require.NoError(t, err)
		want.Topic = name
		require.Equal(t, want, is)
	}
	cfg.Topics = []TopicConfig{{Topic: "a", Linger: NoLinger}}
	is, err := cfg.Topic("a")
	require.NoError(t, err)
	require.Equal(t, NoLinger, is.Linger)
	is, err = cfg.Topic("without an entry")
	require.NoError(t, err)
	require.Equal(t, []any{routing.Medium, time.Second, 10 * time.Minute}, []any{is.Priority,
		is.Linger, is.DeliveryTimeout})
	cfg.Clusters = nil
	_, err = cfg.Topic("a")
	require.Error(t, err)
}

// Complete leaves open what entries leave open: whoever changes batching in what it returns changes
// it for all topics.
func TestConfig_CompleteLeavesOpenWhatEntriesDo(t *testing.T) {
	full, err := topical(TopicConfig{Topic: "a", Acks: "LEADER"}).Complete()
	require.NoError(t, err)
	require.Equal(t, []TopicConfig{{Topic: "a", Priority: routing.Medium, Acks: "leader"}},
		full.Topics)
	again, err := full.Complete()
	require.NoError(t, err)
	require.Equal(t, full, again)
	full.Batching.Linger = time.Second
	is, err := full.Topic("a")
	require.NoError(t, err)
	require.Equal(t, time.Second, is.Linger)
}

func TestConfig_ShortTimesLeaveNoLongLingers(t *testing.T) {
	cfg := topical(
		TopicConfig{Topic: "a", Linger: time.Second, DeliveryTimeout: 10 * time.Second},
		TopicConfig{Topic: "b", Linger: time.Second, DeliveryTimeout: 16 * time.Second},
		TopicConfig{Topic: "c", DeliveryTimeout: time.Second},
		TopicConfig{Topic: "d", Linger: NoLinger, DeliveryTimeout: time.Second},
		TopicConfig{Topic: "e", Priority: routing.Low, Linger: time.Minute},
	)
	cfg.Batching.Linger = time.Second
	require.Equal(t, []Warning{
		{"topics[0].linger", "1s: batches wait for 625ms, a sixteenth of the delivery timeout " +
			"(10s): lower this, or raise the delivery_timeout of these topics"},
		{"topics[4].linger", "1m0s: batches wait for 7.5s, a sixteenth of the delivery timeout " +
			"(2m0s): lower this, or raise the delivery_timeout of these topics"},
	}, cfg.Warnings())
}

// An entry decides alone, so one without a priority would take it away from its topics.
func TestNew_EntriesWithoutAPriorityTakeNoneAway(t *testing.T) {
	lz4 := TopicConfig{Topic: "play.debug", Compression: "lz4"}
	for name, tt := range map[string]struct {
		topics []TopicConfig
		says   string
	}{
		"a pattern gives it one": {[]TopicConfig{{Topic: "play.*", Priority: routing.High}, lz4},
			`topics[1].priority: empty, which is medium, but topics[0] ("play.*") gives ` +
				`"play.debug" high: one entry decides alone, so write low, medium or high here too`},
		"a later one does": {[]TopicConfig{lz4, {Topic: "*", Priority: routing.Low}},
			`topics[0].priority: empty`},
		"a narrower pattern before it": {[]TopicConfig{{Topic: "play.a*", Acks: "leader"},
			{Topic: "play.*", Priority: routing.Low}}, `topics[0].priority: empty`},
		"a pattern that would not decide": {[]TopicConfig{{Topic: "*", Acks: "all"}, lz4,
			{Topic: "play.*", Priority: routing.High}}, ""},
		"a pattern after the one that decides": {[]TopicConfig{
			{Topic: "play.*", Priority: routing.High}, {Topic: "play.d*", Acks: "leader"}}, ""},
		"medium":     {[]TopicConfig{{Topic: "*", Priority: routing.Medium}, lz4}, ""},
		"none":       {[]TopicConfig{{Topic: "other*", Priority: routing.High}, lz4}, ""},
		"twice":      {[]TopicConfig{lz4, lz4}, `topics[1].topic: "play.debug" has a rule already`},
		"no name":    {[]TopicConfig{{Compression: "lz4"}}, `topics[0].topic: empty`},
		"no pattern": {[]TopicConfig{{Topic: "[", Acks: "all"}}, `"[" is not a pattern`},
		"empty":      {[]TopicConfig{{}}, `topics[0].topic: empty`},
	} {
		_, err := topical(tt.topics...).Complete()
		if tt.says == "" {
			require.NoError(t, err, name)
		} else {
			require.ErrorContains(t, err, tt.says, name)
		}
	}
}
