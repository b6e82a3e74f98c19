//go:build unix

package admin

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
	"github.com/forebay-go/forebay/test/kafkatest"
)

// settings returns a configuration with its defaults for one cluster, "kafka", of some brokers.
func settings(t *testing.T, brokers []string, rules ...producer.TopicConfig) producer.Config {
	t.Helper()
	clusters := map[string]producer.ClusterConfig{"kafka": {Brokers: brokers}}
	cfg, err := producer.Config{Clusters: clusters, Topics: rules}.Complete()
	require.NoError(t, err)
	return cfg
}

// linesOf returns verdicts as lines.
func linesOf(all []Verdict) []string {
	var lines []string
	for _, v := range all {
		lines = append(lines, strings.Join(strings.Fields(fmt.Sprintf("%v %s %s", v.Level, v.About,
			v.Text)), " "))
	}
	return lines
}

// probed returns what a probe finds, as lines.
func probed(t require.TestingT, cfg producer.Config, choices Choices, topics ...string) []string {
	verdicts, err := Probe(context.Background(), cfg, choices, topics...)
	require.NoError(t, err)
	return linesOf(verdicts)
}

// refusing returns the address of a port at which nobody listens.
func refusing(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

func TestKafka_ProbeTellsWhatTopicsAreWorth(t *testing.T) {
	t.Parallel()
	kafka := kafkatest.SharedTrio(t)
	prefix := kafkatest.TopicName(t)
	name := func(topic string) string { return prefix + "." + topic }
	hour := "3600000"
	kafka.CreateTopic(t, name("good"), 2, kafkatest.TopicConfig("retention.ms", "86400000"))
	kafka.CreateTopic(t, name("thin"), 1, kafkatest.Replication(1),
		kafkatest.TopicConfig("retention.ms", hour),
		kafkatest.TopicConfig("max.message.bytes", "1000"))
	kafka.CreateTopic(t, name("strict"), 1, kafkatest.TopicConfig("retention.ms", "-1"),
		kafkatest.TopicConfig("min.insync.replicas", "3"),
		kafkatest.TopicConfig("max.message.bytes", "1000000"))
	kafka.CreateTopic(t, name("low.a"), 1, kafkatest.Replication(2),
		kafkatest.TopicConfig("retention.ms", hour))
	gone := refusing(t)
	cfg := settings(t, append(kafka.Seeds(), gone),
		producer.TopicConfig{Topic: name("good"), Priority: routing.High},
		producer.TopicConfig{Topic: name("thin"), Priority: routing.High},
		producer.TopicConfig{Topic: name("strict"), Priority: routing.High},
		producer.TopicConfig{Topic: name("low.*"), Priority: routing.Low},
		producer.TopicConfig{Topic: name("none.*"), Priority: routing.Low})
	cfg.Batching.MaxBytes = 2 << 20
	lines := probed(t, cfg, Choices{}, name("missing"))
	got := strings.ReplaceAll(strings.Join(lines[4:], "\n"), prefix, "x")
	require.Equal(t, "warning "+gone+" cannot be reached: connect: connection refused", lines[3])
	require.Regexp(t, `^ok cluster \S+ has 3 brokers; neither TLS nor SASL is set$`, lines[4])
	_, got, _ = strings.Cut(got, "\n")
	require.Equal(t, `ok producer IDs are given out
ok brokers report their settings
ok x.none.* no topic matches this pattern
ok x.good exists, 2 partitions
ok x.good writing is permitted
ok x.good 3 replicas
ok x.good retention 24 h
warning x.good max.message.bytes is 1,048,588: batches of batching.max_bytes (2,097,152) are halved until they fit
ok x.thin exists, 1 partition
ok x.thin writing is permitted
warning x.thin 1 replica: high priority recommends 3
warning x.thin retention 1 h: high priority recommends 24 h
warning x.thin max.message.bytes is 1,000: larger records are rejected, but batching.max_record_bytes allows 1,000,000
ok x.strict exists, 1 partition
ok x.strict writing is permitted
warning x.strict 3 replicas, and min.insync.replicas is the same: no record can be written while a broker is down
warning x.strict retention forever: high priority recommends 24 h
warning x.strict max.message.bytes is 1,000,000: batches of batching.max_bytes (2,097,152) are halved until they fit
wrong x.missing does not exist: records for it wait: create it, as with "forebay topics apply"
ok x.low.a exists, 1 partition
ok x.low.a writing is permitted
ok x.low.a 2 replicas
ok x.low.a retention 1 h
warning x.low.a max.message.bytes is 1,048,588: batches of batching.max_bytes (2,097,152) are halved until they fit`, got)
	after, err := kafka.Admin(t).ListTopics(t.Context(), name("missing"))
	require.NoError(t, err)
	require.Error(t, after[name("missing")].Err, "it has not created the topic")
}

func TestProbe_SaysThatAnotherClusterAnswers(t *testing.T) {
	var brokers []string
	for _, id := range []string{"ours", "theirs"} {
		k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ClusterID(id))
		require.NoError(t, err)
		t.Cleanup(k.Close)
		brokers = append(brokers, k.ListenAddrs()...)
	}
	lines := probed(t, settings(t, brokers), Choices{})
	require.Contains(t, lines, "ok "+brokers[0]+" answers")
	require.Contains(t, lines,
		"wrong "+brokers[1]+` belongs to another cluster: its ID is "theirs", but `+
			brokers[0]+` says "ours"`)

	cfg := settings(t, brokers[1:])
	cc := cfg.Clusters["kafka"]
	cc.ClusterID = "ours"
	cfg.Clusters["kafka"] = cc
	require.Equal(t, []string{"wrong " + brokers[1] +
		` belongs to another cluster: its ID is "theirs", but cluster_id says "ours"`},
		probed(t, cfg, Choices{}))
}

func TestProbe_SaysWhatCannotBeReached(t *testing.T) {
	gone := refusing(t)
	cfg := settings(t, []string{gone})
	require.Equal(t, []string{"wrong " + gone + " cannot be reached: connect: connection refused"},
		probed(t, cfg, Choices{}))

	fake, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(fake.Close)
	// a wrong advertised.listeners
	fake.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		resp := req.ResponseKind().(*kmsg.MetadataResponse)
		host, port, _ := net.SplitHostPort(gone)
		b := kmsg.NewMetadataResponseBroker()
		b.NodeID, b.Host = 7, host
		_, _ = fmt.Sscan(port, &b.Port)
		resp.Brokers = append(resp.Brokers, b)
		return resp, nil, true
	})
	seed := fake.ListenAddrs()[0]
	lines := probed(t, settings(t, []string{seed}), Choices{})
	require.Contains(t, lines, "ok "+seed+" answers")
	require.True(t, slices.ContainsFunc(lines, func(line string) bool {
		return strings.HasPrefix(line,
			"wrong "+gone+" broker 7 advertises this address (advertised.listeners), but cannot "+
				"be reached there")
	}), lines)
}

// denying has a broker say that a topic may only be read.
func denying(fake *kfake.Cluster) {
	fake.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		if !req.(*kmsg.MetadataRequest).IncludeTopicAuthorizedOperations {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.MetadataResponse)
		topic := kmsg.NewMetadataResponseTopic()
		topic.Topic, topic.AuthorizedOperations = kmsg.StringPtr("t"), 1<<kmsg.ACLOperationRead
		topic.Partitions = append(topic.Partitions,
			kmsg.MetadataResponseTopicPartition{Leader: -1, Replicas: []int32{0}})
		resp.Topics = append(resp.Topics, topic)
		return resp, nil, true
	})
}

func TestProbe_SaysWhatMayNotBeWrittenTo(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
	require.NoError(t, err)
	t.Cleanup(fake.Close)
	denying(fake)
	cfg := settings(t, fake.ListenAddrs())
	lines := probed(t, cfg, Choices{}, "t")
	require.Contains(t, lines, "wrong t no permission to write: add an ACL that allows WRITE")
	require.Contains(t, lines, "wrong t 1 of 1 partitions have no leader: "+
		"start the brokers that have their replicas")
}

func TestTopics_GoToTheClusterOfTheirPriorityAndItsFallbacks(t *testing.T) {
	cfg := producer.Config{
		Clusters: map[string]producer.ClusterConfig{"a": {Brokers: []string{"a:1"}},
			"b": {Brokers: []string{"b:1"}}},
		Priorities: producer.PrioritiesConfig{
			High: producer.PriorityConfig{Cluster: "a",
				Fallbacks: []routing.Fallback{{Cluster: "b", Prefix: "high."}}},
			Medium: producer.PriorityConfig{Cluster: "b",
				Fallbacks: []routing.Fallback{{Cluster: "a", Topics: []string{"other"}}}},
		},
		Topics: []producer.TopicConfig{{Topic: "p.*", Priority: routing.High},
			{Topic: "x", Priority: routing.Medium}, {Topic: "lost", Priority: routing.Low}},
	}
	wanted, err := Topics(cfg, "other", "p.1")
	require.NoError(t, err)
	var lines []string
	for _, w := range wanted {
		lines = append(lines, fmt.Sprint(w.Cluster, " ", w.Topic, " ", w.Priority, " ", w.Fallback))
	}
	require.Equal(t, []string{"a p.* high false", "a p.1 high false", "a other medium true",
		"b high.p.* high true", "b high.p.1 high true", "b x medium false",
		"b other medium false"}, lines)
}

func TestTopics_HaveTheAcksOfTheirEntryUnderEachName(t *testing.T) {
	cfg := producer.Config{
		Clusters: map[string]producer.ClusterConfig{"a": {Brokers: []string{"a:1"}},
			"b": {Brokers: []string{"b:1"}}},
		Priorities: producer.PrioritiesConfig{
			High: producer.PriorityConfig{Cluster: "a",
				Fallbacks: []routing.Fallback{{Cluster: "b", Prefix: "f."}}},
			Medium: producer.PriorityConfig{Cluster: "a"},
		},
		Topics: []producer.TopicConfig{{Topic: "x", Priority: routing.High, Acks: "leader"},
			{Topic: "p.*", Acks: "leader"}, {Topic: "y", Linger: 1}},
	}
	for acks, want := range map[string][]string{
		"all":    {"a x true", "a p.* true", "a y false", "a p.1 true", "a z false", "b f.x true"},
		"leader": {"a x true", "a p.* true", "a y true", "a p.1 true", "a z true", "b f.x true"},
	} {
		cfg.Batching.Acks = acks
		wanted, err := Topics(cfg, "p.1", "z")
		require.NoError(t, err)
		var lines []string
		for _, w := range wanted {
			lines = append(lines, fmt.Sprint(w.Cluster, " ", w.Topic, " ", w.LeaderAcks))
		}
		require.Equal(t, want, lines)
	}
}
