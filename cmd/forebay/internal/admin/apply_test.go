//go:build unix

package admin

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
	"github.com/forebay-go/forebay/test/kafkatest"
)

func TestKafka_ApplyMakesTopicsOnceAndAsTheirPriorityAsks(t *testing.T) {
	t.Parallel()
	kafka := kafkatest.SharedTrio(t)
	prefix := kafkatest.TopicName(t)
	name := func(topic string) string { return prefix + "." + topic }
	kafka.CreateTopic(t, name("old"), 1, kafkatest.Replication(1))
	cfg := settings(t, kafka.Seeds(), producer.TopicConfig{Topic: name("high"), Priority: routing.High},
		producer.TopicConfig{Topic: name("low"), Priority: routing.Low},
		producer.TopicConfig{Topic: name("old"), Priority: routing.Low},
		producer.TopicConfig{Topic: name("none*"), Priority: routing.Low})
	cluster := cfg.Clusters["kafka"]
	cluster.CreateTopics = producer.CreateTopicsConfig{Enabled: true,
		Configs: map[string]string{"min.insync.replicas": "2"}}
	cfg.Clusters["kafka"] = cluster
	wanted, err := Topics(cfg, name("medium"))
	require.NoError(t, err)
	var choices Choices
	choose(t, &choices.Partitions, "4")
	applied := func(dryRun bool) string {
		return strings.ReplaceAll(strings.Join(linesOf(Apply(t.Context(), cfg, "kafka", wanted,
			choices, dryRun)), "\n"), prefix, "x")
	}
	differs := `
warning x.old exists and is not changed: 1 replica: low priority recommends 2
warning x.old exists and is not changed: retention 168 h: low priority recommends 2 h`
	none := "ok x.none* no topic matches this pattern: name the topics to create with --topic\n"
	require.Equal(t, none+`ok x.high would be created: 4 partitions, 3 replicas, retention 24 h
ok x.medium would be created: 4 partitions, 2 replicas, retention 4 h
ok x.low would be created: 4 partitions, 2 replicas, retention 2 h`+differs, applied(true))
	require.Equal(t, none+`ok x.high created: 4 partitions, 3 replicas, retention 24 h
ok x.medium created: 4 partitions, 2 replicas, retention 4 h
ok x.low created: 4 partitions, 2 replicas, retention 2 h`+differs, applied(false),
		"the dry run has created nothing")
	tight := ": 2 replicas, and min.insync.replicas is the same: " +
		"no record can be written while a broker is down"
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		require.Equal(c, none+`ok x.high exists: 4 partitions
warning x.medium exists and is not changed`+tight+`
warning x.low exists and is not changed`+tight+differs, applied(false))
	}, time.Minute, 20*time.Millisecond)

	cfg = settings(t, kafka.Seeds())
	wanted, err = Topics(cfg, "not/a name")
	require.NoError(t, err)
	require.Contains(t, linesOf(Apply(t.Context(), cfg, "kafka", wanted, Choices{}, false))[0],
		"wrong not/a name cannot be created with 2 replicas, retention 4 h: ")
}

func TestKafka_GrowAddsPartitionsToManyTopicsWhereItSays(t *testing.T) {
	t.Parallel()
	kafka := kafkatest.SharedTrio(t)
	prefix := kafkatest.TopicName(t)
	nodes, err := kafka.Admin(t).ListBrokers(t.Context())
	require.NoError(t, err)
	ids := nodes.NodeIDs()
	kafka.CreateTopic(t, prefix+".a", 2, kafkatest.Assign([]int32{ids[0], ids[1]},
		[]int32{ids[1], ids[0]}))
	kafka.CreateTopic(t, prefix+".b", 1, kafkatest.Assign([]int32{ids[0]}))
	cfg := settings(t, kafka.Seeds())
	g := Growth{Cluster: "kafka", Topics: []string{prefix + ".*"}, Add: 2, On: []int32{ids[2]},
		DryRun: true}
	want := []Partition{
		{prefix + ".a", 2, []int32{ids[2], ids[0]}}, {prefix + ".a", 3, []int32{ids[2], ids[1]}},
		{prefix + ".b", 1, []int32{ids[2]}}, {prefix + ".b", 2, []int32{ids[2]}},
	}
	plan, err := Grow(t.Context(), cfg, g)
	require.NoError(t, err)
	require.Equal(t, want, plan)
	g.DryRun = false
	plan, err = Grow(t.Context(), cfg, g)
	require.NoError(t, err)
	require.Equal(t, want, plan, "the dry run has added nothing")
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		topics, err := kafka.Admin(t).ListTopics(t.Context(), prefix+".a", prefix+".b")
		require.NoError(c, err)
		for _, p := range want {
			require.Equal(c, p.Replicas, topics[p.Topic].Partitions[p.Number].Replicas)
		}
		require.Len(c, topics[prefix+".a"].Partitions, 4)
	}, time.Minute, 20*time.Millisecond)

	g.Topics, g.On = []string{prefix + ".not", prefix + ".a"}, []int32{77}
	_, err = Grow(t.Context(), cfg, g)
	require.EqualError(t, err, "topic "+prefix+".not: does not exist\nbroker 77: does not exist")
}
