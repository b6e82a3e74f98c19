//go:build unix

package admin

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

func TestWish_TakesFlagsBeforeSettingsAndThoseBeforeThePriority(t *testing.T) {
	w := Wanted{Topic: "plays", Priority: routing.High}
	s := wishFor(w, producer.CreateTopicsConfig{}, Choices{})
	require.Equal(t, "3 replicas, retention 24 h", s.String())
	require.EqualValues(t, -1, s.partitions)
	require.Equal(t, map[string]string{"retention.ms": "86400000"}, s.configs)

	settings := producer.CreateTopicsConfig{Partitions: 6, ReplicationFactor: 1,
		Configs: map[string]string{"retention.ms": "3600000", "cleanup.policy": "delete"}}
	s = wishFor(w, settings, Choices{})
	require.Equal(t, "1 replica, retention 1 h", s.String())
	require.EqualValues(t, 6, s.partitions)
	require.Equal(t, settings.Configs, s.configs)

	var choices Choices
	choose(t, &choices.Partitions, "plays=12")
	choose(t, &choices.Copies, "2")
	require.NoError(t, choices.Retention.Add("p*=x",
		func(string) (time.Duration, error) { return -1, nil }))
	s = wishFor(w, settings, choices)
	require.Equal(t, "2 replicas, retention forever", s.String())
	require.EqualValues(t, 12, s.partitions)
	require.Equal(t, map[string]string{"retention.ms": "-1", "cleanup.policy": "delete"}, s.configs)
	require.Equal(t, "3600000", settings.Configs["retention.ms"], "the caller's stay as they are")

	s = wishFor(w, producer.CreateTopicsConfig{Configs: map[string]string{"retention.ms": "a day"}},
		Choices{})
	require.Equal(t, "a day", s.configs["retention.ms"], "the broker says what is wrong with it")
	most := strconv.FormatInt(math.MaxInt64, 10)
	s = wishFor(w, producer.CreateTopicsConfig{Configs: map[string]string{"retention.ms": most}},
		Choices{})
	require.Equal(t, "3 replicas, retention forever", s.String(), "it is as good as that")
	require.Equal(t, most, s.configs["retention.ms"])
}

func TestApply_WorksWithOneBroker(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(fake.Close)
	cfg := settings(t, fake.ListenAddrs(), producer.TopicConfig{Topic: "plays", Priority: routing.High},
		producer.TopicConfig{Topic: "logs", Priority: routing.Low})
	wanted, err := Topics(cfg)
	require.NoError(t, err)
	require.Equal(t, []string{
		"warning plays created: 1 replica, retention 24 h; high priority recommends 3, " +
			"but the cluster has 1 broker",
		"warning logs created: 1 replica, retention 2 h; low priority recommends 2, " +
			"but the cluster has 1 broker",
	}, linesOf(Apply(t.Context(), cfg, "kafka", wanted, Choices{}, false)))
	again := linesOf(Apply(t.Context(), cfg, "kafka", wanted, Choices{}, false))
	require.Len(t, again, 2)
	for _, line := range again {
		require.Regexp(t, `^ok \w+ exists: \d+ partitions?$`, line)
	}
	for _, line := range probed(t, cfg, Choices{}) {
		require.NotRegexp(t, "^wrong", line)
	}

	var three Choices
	choose(t, &three.Copies, "3")
	lines := probed(t, cfg, three)
	require.Contains(t, lines, "wrong plays 1 replica: --replication-factor asks for 3")
	cluster := cfg.Clusters["kafka"]
	cluster.CreateTopics = producer.CreateTopicsConfig{ReplicationFactor: 2,
		Configs: map[string]string{"retention.ms": "3600000"}}
	cfg.Clusters["kafka"] = cluster
	lines = probed(t, cfg, Choices{})
	require.Contains(t, lines, "wrong plays 1 replica: create_topics asks for 2")
	require.Contains(t, lines, "warning plays retention 24 h: create_topics asks for 1 h")
	wanted, err = Topics(cfg, "more")
	require.NoError(t, err)
	require.Contains(t, strings.Join(linesOf(Apply(t.Context(), cfg, "kafka", wanted, Choices{},
		false)), "\n"),
		"wrong more cannot be created with 2 replicas, retention 1 h: the cluster has 1 broker: "+
			"lower "+
			"--replication-factor, or create_topics.replication_factor of the cluster")
}
