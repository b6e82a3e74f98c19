//go:build unix

package producer_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/kafkatest"
	"github.com/forebay-go/forebay/test/proof"
)

// The tests here have brokers grant little: rights, and bytes a second.

// everybody is whom Kafka takes a client for that does not say who it is.
const everybody = "User:ANONYMOUS"

// guarded starts a broker that heeds access rules, and lets everybody do what no rule is about.
func guarded(t *testing.T) *kafkatest.Cluster {
	return kafkatest.Start(t,
		kafkatest.Property("authorizer.class.name",
			"org.apache.kafka.metadata.authorizer.StandardAuthorizer"),
		kafkatest.Property("allow.everyone.if.no.acl.found", "true"))
}

// allow and deny return the rule for everybody that the caller says what it is about.
func allow(ops ...kadm.ACLOperation) *kadm.ACLBuilder {
	return kadm.NewACLs().Allow(everybody).AllowHosts("*").Operations(ops...)
}

func deny(ops ...kadm.ACLOperation) *kadm.ACLBuilder {
	return kadm.NewACLs().Deny(everybody).DenyHosts("*").Operations(ops...)
}

func setRules(t *testing.T, adm *kadm.Client, rules ...*kadm.ACLBuilder) {
	t.Helper()
	for _, rule := range rules {
		made, err := adm.CreateACLs(t.Context(), rule)
		require.NoError(t, err)
		for _, r := range made {
			require.NoError(t, r.Err, r.ErrMessage)
		}
	}
}

func endRules(t *testing.T, adm *kadm.Client, rules ...*kadm.ACLBuilder) {
	t.Helper()
	for _, rule := range rules {
		ended, err := adm.DeleteACLs(t.Context(), rule)
		require.NoError(t, err)
		for _, r := range ended {
			require.NoError(t, r.Err, r.ErrMessage)
			require.Len(t, r.Deleted, 1)
		}
	}
}

func TestKafka_F10_ATopicThatWeMayNotWriteToWaitsAloneAndHeals(t *testing.T) {
	t.Parallel()
	c := guarded(t)
	adm := c.Admin(t)
	for _, right := range []struct {
		name  string
		taken kadm.ACLOperation
	}{
		{"write", kadm.OpWrite},
		{"describe", kadm.OpDescribe},
	} {
		t.Run(right.name, func(t *testing.T) {
			proven := proof.Of(t, "F10")
			ours, theirs := newTopic(t, c, 3), newTopic(t, c, 3)
			tr := try(t, to(c))
			waits := tr.countWaits()
			stop := tr.stream(t, 6, alternate(mixed(ours), mixed(theirs)))
			tr.awaitDelivered(t, 2000)

			rule := deny(right.taken).Topics(theirs)
			setRules(t, adm, allow(kadm.OpAll).Topics(theirs), rule)
			tr.await(t, "nothing is said of it",
				func(s *producer.Stats) bool { return topicOf(s, theirs).Trouble != "" })
			before := tr.Stats()
			tr.await(t, "the other topic waits too", func(s *producer.Stats) bool {
				return topicOf(s, ours).Delivered > topicOf(&before, ours).Delivered+2000
			})
			during := tr.Stats()
			require.Empty(t, topicOf(&during, ours).Trouble)
			if right.taken == kadm.OpWrite {
				require.Equal(t, topicOf(&before, theirs).Delivered,
					topicOf(&during, theirs).Delivered)
			}
			endRules(t, adm, rule)
			tr.await(t, "it does not heal", func(s *producer.Stats) bool {
				row := topicOf(s, theirs)
				return row.Trouble == "" && row.Delivered > topicOf(&during, theirs).Delivered+1000
			})
			stop()
			tr.settle(t, c, ours, theirs)

			proven.Bit("records that waited for the right", int64(topicOf(&during, theirs).Pending))
			proven.Figure("what was said of it", "%s", topicOf(&during, theirs).Trouble)
			other := waits.of(proven, "of another topic", ours)
			waits.of(proven, "of the topic", theirs)
			require.LessOrEqual(t, other.part(other.held), 0.02)
			tr.ledger.Prove(proven)
			logFigures(t, proven)
		})
	}
}

// The right to a producer ID goes with the right to write to any topic at all. Kafka finds out by
// asking for a topic of the name "hardcode"; where a rule forbids that one it looks for rules that
// allow another, and there is none.
func TestKafka_F10_WithoutTheRightToAProducerIDRetriesAreCountedAndItHeals(t *testing.T) {
	t.Parallel()
	proven := proof.Of(t, "F10", "F8")
	c := guarded(t)
	adm := c.Admin(t)
	c.CreateTopic(t, "events", 3)
	rules := []*kadm.ACLBuilder{deny(kadm.OpIdempotentWrite).Clusters(),
		deny(kadm.OpWrite).Topics("hardcode")}
	setRules(t, adm, append([]*kadm.ACLBuilder{allow(kadm.OpAll).Clusters()}, rules...)...)

	link := newLink()
	tr := try(t, to(c), producer.WithDialer(link.Dial))
	stop := tr.stream(t, 5, mixed("events"))
	tr.awaitDelivered(t, 1000)
	require.True(t, slices.ContainsFunc(c.Read(t, "events"), plain), "there was a producer ID")
	link.CutAfterWrites(5)
	tr.await(t, "no retry is counted",
		func(s *producer.Stats) bool { return s.Total.MaybeDuplicated > 100 })
	link.CutAfterWrites(0)
	tr.awaitDelivered(t, 1000)

	endRules(t, adm, rules...)
	granted := time.Now()
	require.Eventually(t, func() bool {
		return slices.ContainsFunc(c.Read(t, "events"),
			func(r *kgo.Record) bool { return !plain(r) })
	}, patience, 100*time.Millisecond, "no producer ID was asked for")
	healed := time.Since(granted)
	tr.awaitDelivered(t, 1000)
	stop()
	log := tr.settle(t, c, "events")

	books := tr.Stats().Total
	numbered := 0
	for _, r := range log {
		if !plain(r) {
			numbered++
		}
	}
	proven.Bit("connections cut after a write", link.Cuts())
	proven.Bit("records without a producer ID in the log", int64(len(log)-numbered))
	proven.Bit("records with one, after the right was granted", int64(numbered))
	proven.Figure("there twice, and counted", "%d of %d", uint64(len(log))-books.Accepted,
		books.MaybeDuplicated)
	proven.Figure("numbered again after", "%v", healed.Round(time.Millisecond))
	tr.ledger.Prove(proven)
	logFigures(t, proven)
}

// plain reports whether r was written without a producer ID.
func plain(r *kgo.Record) bool { return r.ProducerID < 0 }

func TestKafka_F9_AQuotaSlowsOneClientDownAndLosesNothing(t *testing.T) {
	t.Parallel()
	proven := proof.Of(t, "F9")
	const quota = 200_000
	// of a second each, one of them not over
	c := kafkatest.Start(t, kafkatest.Property("quota.window.num", "3"))
	c.CreateTopic(t, "events", 3)
	c.CreateTopic(t, "others", 3)
	id := "throttled"
	entity := kadm.ClientQuotaEntity{{Type: "client-id", Name: &id}}
	altered, err := c.Admin(t).AlterClientQuotas(t.Context(), []kadm.AlterClientQuotaEntry{
		{Entity: entity, Ops: []kadm.AlterClientQuotaOp{{Key: "producer_byte_rate", Value: quota}}},
	})
	require.NoError(t, err)
	require.NoError(t, altered[0].Err, altered[0].ErrMessage)

	other := try(t, to(c, func(cfg *producer.Config) { cfg.ClientID = "other" }))
	stop := other.stream(t, 2, mixed("others"))
	other.awaitDelivered(t, 500)
	waits := other.countWaits()

	tr := try(t, to(c, noMoves, func(cfg *producer.Config) {
		cfg.ClientID = id
		cfg.Batching.MaxBytes = 128 << 10
	}))
	throttled := tr.countWaits()
	const records, size = 2000, 1000
	begin := time.Now()
	for i := range records {
		rec := mixed("events")(i)
		rec.Value = randomBytes(size)
		tr.send(t, rec)
	}
	tr.flush(t)
	took := time.Since(begin)
	stop()
	tr.settleOnce(t, c, "events")
	other.settleOnce(t, c, "others")

	// Kafka forgets what was written three seconds ago, even while the client still waits for it:
	// after a long wait two seconds' worth are free again. A third of the time is the least that
	// this leaves, hundreds of times what it took without.
	const allowed = records * size * time.Second / quota
	require.Greater(t, took, allowed/3)
	proven.Bit("milliseconds that the quota took", took.Milliseconds())
	proven.Figure("throttled client",
		"%.0f kB/s of %d kB/s, beside what Kafka's windows leave "+
			"free", records*size/took.Seconds()/1000, quota/1000)
	seen, slow := waits.of(proven, "of another client", "others"), throttled.of(proven,
		"of the throttled client", "events")
	require.Less(t, seen.part(seen.late), slow.part(slow.late)/2, "another client is slowed down")
	tr.ledger.Prove(proven)
	logFigures(t, proven)
}
