//go:build unix

package producer_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/kafkatest"
	"github.com/forebay-go/forebay/test/proof"
)

// growing notes how a topic comes to use partitions that were not there before.
type growing struct {
	topic string
	was   int32 // how many partitions it had

	mu    sync.Mutex // guards what follows
	used  map[int32]bool
	first time.Time // when a new one was first used
	all   time.Time // when the last of them was
	last  time.Time // when anything was delivered
	pause time.Duration
}

// noteGrowing notes from now on.
func noteGrowing(tr *trial, topic string, was int32) *growing {
	g := &growing{topic: topic, was: was, used: make(map[int32]bool)}
	tr.alsoReport(g.report)
	return g
}

func (g *growing) report(r producer.Report) {
	if r.Topic != g.topic || r.Outcome != producer.Delivered {
		return
	}
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.last.IsZero() {
		g.pause = max(g.pause, now.Sub(g.last))
	}
	g.last = now
	if r.Partition < g.was || g.used[r.Partition] {
		return
	}
	if len(g.used) == 0 {
		g.first = now
	}
	g.used[r.Partition], g.all = true, now
}

// await waits until so many new partitions are used.
func (g *growing) await(t *testing.T, partitions int) {
	t.Helper()
	require.Eventually(t, func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return len(g.used) == partitions
	}, patience, 5*time.Millisecond, "the new partitions of %s are not used", g.topic)
}

// require fails t if it took long after partitions that were made with these have taken records of
// another client, or nothing was delivered meanwhile.
func (g *growing) require(t *testing.T, c *proof.Case, made, taken time.Time) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	c.Figure("new partitions of "+g.topic,
		"the first is used after %v, all after %v, those of another client after %v; nothing "+
			"was delivered for %v at most",
		g.first.Sub(made).Round(time.Millisecond), g.all.Sub(made).Round(time.Millisecond), taken.Sub(made).Round(time.Millisecond), g.pause.Round(time.Millisecond))
	require.Less(t, g.all.Sub(taken), 10*time.Second, g.topic)
	require.Less(t, g.pause, 5*time.Second, g.topic) // a busy machine keeps it
}

// What a cluster grows by: a broker first, and then partitions on it, as "forebay topics grow"
// places them.
func TestKafka_F10_PartitionsOnABrokerThatWasAddedAreUsedByARunningProducer(t *testing.T) {
	t.Parallel()
	const was, add = 4, 3
	proven := proof.Of(t, "F10")
	c := kafkatest.Start(t, kafkatest.Brokers(2))
	topics := []string{"plain", "keyed"}
	for _, topic := range append(topics, "canary") {
		c.CreateTopic(t, topic, was, kafkatest.Replication(2),
			kafkatest.TopicConfig("min.insync.replicas", "2"))
	}
	cfg, err := to(c).Complete()
	require.NoError(t, err)
	tr := try(t, cfg)
	stop := tr.stream(t, 4, alternate(unkeyed("plain"), keyed("keyed", 500)))
	tr.awaitDelivered(t, 2000)

	added := c.AddBroker(t)
	plain, keyed := noteGrowing(tr, "plain", was), noteGrowing(tr, "keyed", was)
	plan := growTopics(t, c, add, append(topics, "canary")...)
	made := time.Now()
	require.Len(t, plan, (len(topics)+1)*add)
	for _, p := range plan {
		require.Equal(t, fmt.Sprint(added.NodeID()), p.leader, "%+v", p)
	}
	requireTaken(t, c, &kgo.Record{Topic: "canary", Partition: was},
		&kgo.Record{Topic: "canary", Partition: was + 1}, &kgo.Record{Topic: "canary",
			Partition: was + 2})
	taken := time.Now()
	plain.await(t, add)
	keyed.await(t, add)
	tr.awaitDelivered(t, 4000)
	stop()
	log := tr.settle(t, c, topics...)

	proven.Bit("partitions added on a broker that was added", int64(len(plan)))
	plain.require(t, proven, made, taken)
	keyed.require(t, proven, made, taken)
	proven.Held("I8", requireMovedInOrder(t, log, was))
	require.Less(t, tr.ledger.LongestSend(), atOnce)
	proven.Held("I1", tr.ledger.Accepted())
	proven.Held("I10", tr.ledger.Accepted())
	tr.ledger.Prove(proven)
	logFigures(t, proven)
}

// requireMovedInOrder checks that the records of each key that are in partitions from was on were
// sent after those of it that are in older ones, for a key that has moved to a new partition, and
// returns how many keys have.
func requireMovedInOrder(t *testing.T, log []*kgo.Record, was int32) (moved uint64) {
	t.Helper()
	// in old partitions, and in new ones
	newest, oldest := make(map[string]uint64), make(map[string]uint64)
	for _, r := range log {
		key := string(r.Key)
		switch {
		case r.Key == nil:
		case r.Partition < was:
			newest[key] = max(newest[key], tagOf(r))
		default:
			if first, ok := oldest[key]; !ok || tagOf(r) < first {
				oldest[key] = tagOf(r)
			}
		}
	}
	for key, first := range oldest {
		if last, ok := newest[key]; ok {
			require.Less(t, last, first, "key %s", key)
			moved++
		}
	}
	require.NotZero(t, moved)
	return moved
}

// planned is a row of the plan that "forebay topics grow" prints.
type planned struct{ topic, partition, leader string }

// growTopics has the command forebay add partitions to topics, and returns its plan.
func growTopics(t *testing.T, c *kafkatest.Cluster, add int, topics ...string) (plan []planned) {
	t.Helper()
	folder := t.TempDir()
	command, settings := filepath.Join(folder, "forebay"), filepath.Join(folder, "forebay.yaml")
	require.NoError(t, os.WriteFile(settings, fmt.Appendf(nil,
		"clusters:\n  events:\n    brokers: [%s]\n", strings.Join(c.Seeds(), ", ")), 0o600))
	build := exec.CommandContext(t.Context(), "go", "build", "-o", command, ".")
	build.Dir = filepath.Join("..", "..", "cmd", "forebay")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	out, err = exec.CommandContext(t.Context(), command, "topics", "grow", "--topic",
		strings.Join(topics, ","), "--add", strconv.Itoa(add), settings).CombinedOutput()
	require.NoError(t, err, "%s", out)
	for line := range strings.Lines(string(out)) {
		row := strings.Fields(line)
		if len(row) >= 4 && slices.Contains(topics, row[0]) {
			plan = append(plan, planned{topic: row[0], partition: row[1], leader: row[2]})
		}
	}
	return plan
}
