package producer_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/forebay-go/forebay/internal/testca"
	"github.com/forebay-go/forebay/preflight"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// fake returns an embedded Kafka.
func fake(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	k, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.ClusterID("ours")},
		opts...)...)
	require.NoError(t, err)
	t.Cleanup(k.Close)
	return k
}

// to returns settings for one cluster, "events".
func to(brokers ...string) producer.Config {
	return producer.Config{Clusters: map[string]producer.ClusterConfig{"events": {Brokers: brokers}}}
}

// in returns cfg with its cluster "events" changed.
func in(cfg producer.Config, change func(*producer.ClusterConfig)) producer.Config {
	cc := cfg.Clusters["events"]
	change(&cc)
	cfg.Clusters["events"] = cc
	return cfg
}

// checked returns the report of a preflight that leaves nothing behind.
func checked(t *testing.T, cfg producer.Config, topics []string,
	opts ...producer.Option) preflight.Report {
	t.Helper()
	before := goleak.IgnoreCurrent()
	report, err := cfg.Preflight(t.Context(), topics, opts...)
	require.NoError(t, err)
	requireNothingLeft(t, before)
	return report
}

// requireNothingLeft requires that no goroutine is left but those of before. A broker takes a while
// to notice that a connection has ended.
func requireNothingLeft(t *testing.T, before goleak.Option) {
	t.Helper()
	require.EventuallyWithT(t, func(t *assert.CollectT) {
		assert.NoError(t, goleak.Find(before))
	}, time.Minute, 10*time.Millisecond)
}

// topicsOf returns the topics of the first cluster with their priorities.
func topicsOf(report preflight.Report) (names []string) {
	for _, topic := range report.Clusters[0].Topics {
		names = append(names, fmt.Sprint(topic.Name, " ", topic.Priority))
	}
	return names
}

// nobody is an address at which nobody listens. A port that the system gives out and takes back may
// be that of another test by the time it is dialed, or of the dial itself.
const nobody = "127.0.0.1:1"

// mute returns the address of a broker that accepts connections and never answers.
func mute(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

func TestPreflight_SaysThatAllIsWell(t *testing.T) {
	k := fake(t, kfake.SeedTopics(3, "plays", "logs.a", "logs.b"))
	cfg := in(to(k.ListenAddrs()...), func(c *producer.ClusterConfig) { c.ClusterID = "ours" })
	cfg.Topics = []producer.TopicConfig{{Topic: "plays", Priority: routing.High},
		{Topic: "logs.*", Priority: routing.Low}}
	report := checked(t, cfg, nil)
	require.NoError(t, report.Err())
	require.Equal(t, preflight.OK, report.Level())
	require.Equal(t, `ok: cluster events: `+k.ListenAddrs()[0]+`: answers
ok: cluster events: cluster ours has 1 broker; neither TLS nor SASL is set
ok: cluster events: producer IDs are given out
ok: cluster events: brokers report their settings
ok: cluster events: plays: exists, 3 partitions
ok: cluster events: plays: writing is permitted
ok: cluster events: plays: 1 replica
ok: cluster events: plays: max.message.bytes is 1,048,588`, report.String())

	report = checked(t, cfg, []string{"logs.*", "plays"})
	require.Equal(t, []string{"plays high", "logs.a low", "logs.b low"}, topicsOf(report))
}

// Two patterns may match the same text, and mean different topics.
func TestPreflight_APatternOfTheSettingsHasThePriorityOfItsRule(t *testing.T) {
	k := fake(t, kfake.SeedTopics(1, "ab", "abc"))
	cfg := to(k.ListenAddrs()...)
	cfg.Topics = []producer.TopicConfig{{Topic: "a?", Priority: routing.High},
		{Topic: "a*", Priority: routing.Low}, {Topic: "a?", Priority: routing.Medium}}
	report := checked(t, cfg, []string{"a?", "a*"})
	require.Equal(t, []string{"ab high", "abc low"}, topicsOf(report))
}

func TestPreflight_SaysEachProblemAndWhatToDo(t *testing.T) {
	ca := testca.New(t)
	pair := ca.Issue(t, "broker", time.Hour, "127.0.0.1").TLS(t)
	plain := fake(t, kfake.SeedTopics(1, "plays")).ListenAddrs()[0]
	secure := fake(t, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair}})).ListenAddrs()[0]
	sasl := fake(t, kfake.EnableSASL(), kfake.Superuser("PLAIN", "a", "right")).ListenAddrs()[0]
	large, larger := to(plain), to(plain)
	large.Batching.MaxBytes, larger.Batching.MaxRecordBytes = 2<<20, 2<<20
	own, part := to(plain), to(plain)
	own.Topics = []producer.TopicConfig{{Topic: "pla*", MaxBatchBytes: 3 << 20}}
	part.Batching.Acks = "leader"
	part.Topics = []producer.TopicConfig{{Topic: "plays", Acks: "all"}}
	trusted := producer.WithTLS("events", &tls.Config{RootCAs: ca.Pool()})
	login := func(password string) func(*producer.ClusterConfig) {
		return func(c *producer.ClusterConfig) {
			c.SASL = producer.SASLConfig{Mechanism: "plain", User: "a",
				Password: producer.Secret(password)}
		}
	}
	for _, tt := range []struct {
		name   string
		cfg    producer.Config
		opts   []producer.Option
		topics []string
		check  preflight.Check
		level  preflight.Level
		says   string
	}{
		{"nobody listens", to(nobody), nil, nil, preflight.Reachable, preflight.Problem,
			nobody + ": cannot be reached: connect: connection refused"},
		{"one of two is away", to(nobody, plain), nil, nil, preflight.Reachable, preflight.Warning,
			nobody + ": cannot be reached: connect: connection refused"},
		{"another cluster", in(to(plain), func(c *producer.ClusterConfig) {
			c.ClusterID = "other"
		}), nil, nil, preflight.ClusterID, preflight.Problem, plain + `: belongs to another ` +
			`cluster: its ID is "ours", but cluster_id says "other"`},
		{"no such topic", to(plain), nil, []string{"none"}, preflight.Exists, preflight.Problem,
			`none: does not exist: records for it wait: create it, as with "forebay topics apply"`},
		{"no name of a topic", to(plain), nil, []string{"a/b"}, preflight.Exists, preflight.Problem,
			"a/b: Kafka does not allow this name"},
		{"no pattern", to(plain), nil, []string{"a["}, preflight.Exists, preflight.Problem,
			"a[: is neither a name nor a pattern of topics"},
		{"records too large", larger, nil, []string{"plays"}, preflight.Size, preflight.Warning,
			"plays: max.message.bytes is 1,048,588: larger records are rejected, but " +
				"batching.max_record_bytes allows 2,097,152"},
		{"batches too large", large, nil, []string{"plays"}, preflight.Size, preflight.Warning,
			"plays: max.message.bytes is 1,048,588: batches of batching.max_bytes (2,097,152) are " +
				"halved until they fit"},
		{"batches of a topic too large", own, nil, []string{"plays"}, preflight.Size,
			preflight.Warning, "plays: max.message.bytes is 1,048,588: batches of max_batch_bytes of " +
				"the topic (3,145,728) are halved until they fit"},
		{"acks of one topic", part, nil, nil, preflight.Identity, preflight.OK,
			"producer IDs are given out"},
		{"TLS on a plaintext port", to(plain), []producer.Option{trusted}, nil,
			preflight.Reachable, preflight.Problem, plain + ": cannot be reached: no answer: is this " +
				"port for TLS?"},
		{"plaintext on a port for TLS", to(secure), nil, nil, preflight.Reachable,
			preflight.Problem, secure + ": cannot be reached: the broker hung up without an answer"},
		{"a stranger's certificate", to(secure), []producer.Option{producer.WithTLS("events",
			&tls.Config{RootCAs: testca.New(t).Pool()})}, nil, preflight.Reachable,
			preflight.Problem, "certificate signed by unknown authority"},
		{"TLS", to(secure), []producer.Option{trusted}, nil, preflight.Metadata, preflight.OK,
			"TLS works; SASL is not set"},
		{"wrong password", in(to(sasl), login("wrong")), nil, nil, preflight.Reachable,
			preflight.Problem, sasl + ": cannot be reached: the broker hung up without an answer"},
		{"right password", in(to(sasl), login("right")), nil, nil, preflight.Metadata,
			preflight.OK, "SASL (plain) works; TLS is not set"},
		{"no password", to(sasl), nil, nil, preflight.Reachable, preflight.Problem,
			sasl + ": cannot be reached: the broker hung up without an answer: check that " +
				"the port is the one for tls and sasl as they are set"},
		{"no such name", to("kafka.invalid:9092"), []producer.Option{producer.WithResolver(
			func(context.Context, string) ([]string, error) {
				return nil, &net.DNSError{Err: "no such host", Name: "kafka.invalid", IsNotFound: true}
			})}, nil, preflight.Reachable, preflight.Problem,
			"kafka.invalid:9092: cannot be reached: lookup kafka.invalid: no such host"},
		{"no credentials", in(to(sasl), func(c *producer.ClusterConfig) {
			c.SASL = producer.SASLConfig{Mechanism: "plain"}
		}), []producer.Option{producer.WithCredentials("events",
			func(context.Context) (producer.Credentials, error) {
				return producer.Credentials{}, errors.New("the vault is sealed")
			})}, nil, preflight.Reachable, preflight.Problem, "the vault is sealed"},
		{"a dialer that panics", to("kafka:1"), []producer.Option{producer.WithDialer(
			func(context.Context, string, string) (net.Conn, error) { panic("oops") })}, nil,
			preflight.Reachable, preflight.Problem, "kafka:1: cannot be reached: the dialer panicked: oops"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			report := checked(t, tt.cfg, tt.topics, tt.opts...)
			found := false
			for about, f := range report.Clusters[0].All() {
				if text := about + ": " + f.Text; f.Check == tt.check && strings.Contains(text, tt.says) {
					require.Equal(t, tt.level, f.Level, text)
					found = true
				}
			}
			require.True(t, found, report)
			if tt.level == preflight.Problem {
				require.ErrorContains(t, report.Err(), tt.says)
				require.ErrorContains(t, report.Clusters[0].Err(), "cluster events: ")
			} else {
				require.NotContains(t, fmt.Sprint(report.Err()), tt.says)
			}
		})
	}
}

func TestPreflight_SaysWhichRightsAreMissing(t *testing.T) {
	allow := func(resource kmsg.ACLResourceType, name string, op kmsg.ACLOperation) kfake.ACL {
		return kfake.ACL{Resource: resource, Name: name, Pattern: kmsg.ACLResourcePatternTypeLiteral,
			Operation: op, Allow: true}
	}
	k := fake(t, kfake.EnableSASL(), kfake.EnableACLs(), kfake.SeedTopics(1, "read", "none", "write"),
		kfake.User("PLAIN", "reader", "x",
			allow(kmsg.ACLResourceTypeTopic, "read", kmsg.ACLOperationDescribe)),
		kfake.User("PLAIN", "writer", "x",
			allow(kmsg.ACLResourceTypeTopic, "write", kmsg.ACLOperationWrite),
			allow(kmsg.ACLResourceTypeTopic, "write", kmsg.ACLOperationDescribe)))
	as := func(user string) producer.Config {
		return in(to(k.ListenAddrs()...), func(c *producer.ClusterConfig) {
			c.SASL = producer.SASLConfig{Mechanism: "plain", User: user, Password: "x"}
		})
	}
	text := checked(t, as("reader"), []string{"read", "none"}).String()
	require.Contains(t, text, "warning: cluster events: no permission to get a producer ID, so "+
		"retries may leave duplicates: add an ACL that allows IDEMPOTENT_WRITE on the cluster")
	require.Contains(t, text, "warning: cluster events: no permission to read how long brokers "+
		"remember producers")
	require.Contains(t, text,
		"problem: cluster events: read: no permission to write: add an ACL that allows WRITE")
	require.Contains(t, text, "problem: cluster events: none: no permission to write or describe: "+
		"add an ACL that allows WRITE")
	require.Contains(t, text, "warning: cluster events: read: no permission to read max.message.bytes")

	report := checked(t, as("writer"), []string{"write"})
	require.NoError(t, report.Err())
	require.Contains(t, report.String(), "ok: cluster events: producer IDs are given out")
	require.Contains(t, report.String(), "ok: cluster events: write: writing is permitted")

	creating := in(as("writer"), func(c *producer.ClusterConfig) { c.CreateTopics.Enabled = true })
	require.ErrorContains(t, checked(t, creating, []string{"new"}).Err(), "cluster events: new: ")
}

func TestPreflight_SaysWhetherAMissingTopicWillBeCreatedAndCreatesNone(t *testing.T) {
	k := fake(t)
	creating := in(to(k.ListenAddrs()...), func(c *producer.ClusterConfig) {
		c.CreateTopics.Enabled = true
	})
	report := checked(t, creating, []string{"new"})
	require.NoError(t, report.Err())
	require.Contains(t, report.String(),
		"ok: cluster events: new: does not exist; it is created when there are records for it")
	creating = in(creating, func(c *producer.ClusterConfig) { c.CreateTopics.ReplicationFactor = 5 })
	require.ErrorContains(t, checked(t, creating, []string{"new"}).Err(),
		"new: does not exist, and cannot be created: ")
	require.Nil(t, k.TopicInfo("new"))
}

// A cluster that does not answer holds up the check once, however many topics are missing.
func TestPreflight_AsksOnceWhetherMissingTopicsWillBeCreated(t *testing.T) {
	k := fake(t)
	var asked atomic.Int32
	k.ControlKey(int16(kmsg.CreateTopics), func(kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		asked.Add(1)
		return nil, nil, false
	})
	creating := in(to(k.ListenAddrs()...), func(c *producer.ClusterConfig) {
		c.CreateTopics.Enabled = true
	})
	creating.Topics = []producer.TopicConfig{{Topic: "n0", Priority: routing.High}}
	var topics []string
	for i := range 100 {
		topics = append(topics, fmt.Sprint("n", i))
	}
	report := checked(t, creating, append(topics, "n0"))
	require.NoError(t, report.Err())
	require.Len(t, report.Clusters[0].Topics, 100)
	require.Equal(t, int32(1), asked.Load())
}

// shortOfReplicas has a broker say that a topic of three replicas has one in sync, and asks for min.
func shortOfReplicas(t *testing.T, k *kfake.Cluster, min string) {
	k.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		if !req.(*kmsg.MetadataRequest).IncludeTopicAuthorizedOperations {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.MetadataResponse)
		topic := kmsg.NewMetadataResponseTopic()
		topic.Topic, topic.AuthorizedOperations = kmsg.StringPtr("plays"), 1<<kmsg.ACLOperationWrite
		topic.Partitions = append(topic.Partitions, kmsg.MetadataResponseTopicPartition{
			Replicas: []int32{0, 1, 2}, ISR: []int32{0}})
		resp.Topics = append(resp.Topics, topic)
		return resp, nil, true
	})
	k.ControlKey(int16(kmsg.DescribeConfigs), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		resp := req.ResponseKind().(*kmsg.DescribeConfigsResponse)
		r := kmsg.NewDescribeConfigsResponseResource()
		r.ResourceName = "plays"
		c := kmsg.NewDescribeConfigsResponseResourceConfig()
		c.Name, c.Value = "min.insync.replicas", kmsg.StringPtr(min)
		r.Configs = append(r.Configs, c)
		resp.Resources = append(resp.Resources, r)
		return resp, nil, true
	})
}

func TestPreflight_SaysThatTooFewReplicasAreInSyncForTheAcks(t *testing.T) {
	k := fake(t)
	shortOfReplicas(t, k, "2")
	cfg := to(k.ListenAddrs()...)
	report := checked(t, cfg, []string{"plays"})
	require.ErrorContains(t, report.Err(), "plays: 1 of 1 partitions have fewer replicas in sync "+
		"than min.insync.replicas (2): no record can be written to them with acks: all")
	topic := report.Clusters[0].Topics[0]
	require.Equal(t, []int{1, 3, 1, 2}, []int{topic.Partitions, topic.Replicas, topic.InSync,
		topic.MinInSync})
	cfg.Batching.Acks = "leader"
	require.NoError(t, checked(t, cfg, []string{"plays"}).Err())

	k = fake(t)
	shortOfReplicas(t, k, "4")
	require.ErrorContains(t, checked(t, to(k.ListenAddrs()...), []string{"plays"}).Err(),
		"plays: 3 replicas, but min.insync.replicas is 4: no record can be written with acks: all")
}

func TestPreflight_ChecksATopicWhereItsRecordsGoUnderItsNameThere(t *testing.T) {
	first, second := fake(t, kfake.SeedTopics(1, "plays")), fake(t, kfake.SeedTopics(1, "f.plays"))
	cfg := producer.Config{
		Clusters: map[string]producer.ClusterConfig{"a": {Brokers: first.ListenAddrs()},
			"b": {Brokers: second.ListenAddrs()}, "c": {Brokers: []string{nobody}}},
		Priorities: producer.PrioritiesConfig{
			High: producer.PriorityConfig{Cluster: "a", Fallbacks: []routing.Fallback{
				{Cluster: "b", Prefix: "f."}}},
			Medium: producer.PriorityConfig{Cluster: "c"},
		},
		Topics: []producer.TopicConfig{{Topic: "plays", Priority: routing.High},
			{Topic: "more", Priority: routing.High}, {Topic: "lost", Priority: routing.Medium}},
	}
	report := checked(t, cfg, nil)
	names := make(map[string][]string)
	for _, c := range report.Clusters {
		for _, topic := range c.Topics {
			names[c.Name] = append(names[c.Name], fmt.Sprint(topic.Name, " ", topic.Priority, " ",
				topic.Fallback, " ", topic.Partitions))
		}
	}
	require.Equal(t, map[string][]string{"a": {"plays high false 1", "more high false 0"},
		"b": {"f.plays high true 1", "f.more high true 0"}, "c": {"lost medium false 0"}}, names)
	// half of it is well, and is said to be
	require.ErrorContains(t, report.Clusters[0].Err(), "more: does not exist")
	require.NoError(t, report.Clusters[1].Err())
	require.Contains(t, report.String(), "warning: cluster b: f.more: does not exist: records for "+
		"it wait while they fall back to this cluster")
	require.ErrorContains(t, report.Clusters[2].Err(), nobody)
	require.Contains(t, report.String(),
		"warning: cluster c: lost: was not checked, because the cluster cannot be asked")
}

func TestPreflight_EndsWithItsContextAndSaysWhatItWaitedFor(t *testing.T) {
	k := fake(t, kfake.SeedTopics(1, "plays"))
	hung := mute(t)
	cfg := producer.Config{Clusters: map[string]producer.ClusterConfig{
		"high": {Brokers: []string{hung}}, "medium": {Brokers: k.ListenAddrs()}}}
	before := goleak.IgnoreCurrent()
	var report preflight.Report
	// the silent broker is given up after five seconds; a slow machine needs some of them
	for wait := 300 * time.Millisecond; wait < 5*time.Second; wait *= 2 {
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		var err error
		report, err = cfg.Preflight(ctx, []string{"plays"})
		cancel()
		require.NoError(t, err)
		if report.Clusters[1].Err() == nil {
			break
		}
	}
	requireNothingLeft(t, before)
	require.EqualError(t, report.Clusters[0].Err(), "forebay: preflight:\ncluster high: the check "+
		"has not finished: it was waiting for brokers: "+hung+" (context deadline exceeded): give "+
		"it more time")
	require.NoError(t, report.Clusters[1].Err(), "what was asked meanwhile is there")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	report, err := cfg.Preflight(ctx, nil)
	require.NoError(t, err)
	require.Len(t, report.Clusters, 2)
	require.ErrorContains(t, report.Clusters[0].Err(), "has not finished")
}

// A dialer of the application's that heeds nothing does not hold up the check.
func TestPreflight_LeavesADialerBehindThatIgnoresItsContext(t *testing.T) {
	release, ended := make(chan struct{}), make(chan struct{})
	defer func() {
		close(release)
		<-ended
	}()
	ctx, cancel := context.WithCancel(t.Context())
	var calls atomic.Int32
	report, err := to("kafka:9092").Preflight(ctx, nil, producer.WithDialer(
		func(context.Context, string, string) (net.Conn, error) {
			if calls.Add(1) == 1 {
				defer close(ended)
			}
			cancel()
			<-release
			return nil, errors.New("too late")
		}))
	require.NoError(t, err)
	require.ErrorContains(t, report.Err(), "it was waiting for brokers: kafka:9092")
}

func TestPreflight_RefusesSettingsThatAreWrongInThemselves(t *testing.T) {
	report, err := producer.Config{}.Preflight(t.Context(), nil)
	require.ErrorContains(t, err, "forebay: wrong configuration:")
	require.Empty(t, report.Clusters)
	require.NoError(t, report.Err())
	require.Empty(t, report.String())
}

func TestPreflight_OfAProducerKnowsTheTopicsThatItHasSeenAndWorksAfterClose(t *testing.T) {
	k := fake(t, kfake.SeedTopics(1, "seen", "named"))
	cfg := to(k.ListenAddrs()...)
	cfg.Topics = []producer.TopicConfig{{Topic: "named", Priority: routing.High}}
	p, err := producer.New(cfg)
	require.NoError(t, err)
	require.NoError(t, p.Send(producer.Record{Topic: "seen", Priority: routing.Low}))
	require.NoError(t, p.Send(producer.Record{Topic: "gone"}))
	report := p.Preflight(t.Context())
	require.Equal(t, []string{"named high", "gone medium", "seen low"}, topicsOf(report))
	require.ErrorContains(t, report.Err(), "gone: does not exist")
	require.Equal(t, []string{"seen medium"}, topicsOf(p.Preflight(t.Context(), "seen")))

	cfg = in(p.Config(), func(c *producer.ClusterConfig) { c.ClusterID = "other" })
	require.NoError(t, p.Reconfigure(cfg))
	require.ErrorContains(t, p.Preflight(t.Context()).Err(), "belongs to another cluster")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _ = p.Close(ctx)
	require.ErrorContains(t, p.Preflight(t.Context()).Err(), "belongs to another cluster")
}

func TestPreflight_IsJSONThatCanBeReadBack(t *testing.T) {
	report := checked(t, to(nobody), []string{"plays"})
	text, err := json.Marshal(report)
	require.NoError(t, err)
	require.Contains(t, string(text), `"Check":"reachable","Level":"problem","About":"127.0.0.1:`)
	require.Contains(t, string(text), `"Name":"plays","Priority":"medium"`)
	var back preflight.Report
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, report, back)
	require.ErrorContains(t, json.Unmarshal([]byte(`"bad"`), new(preflight.Level)),
		`unknown level "bad": write ok, warning or problem`)
}
