//go:build unix

package kgocompat_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/test/kafkatest"
)

// A service that has moved over sees what it saw before: the promises, the results, and what is in
// Kafka.
func TestClient_ProgramsSeeWhatTheySeeWithKgo(t *testing.T) {
	for name, p := range programs {
		if p.onlyReal {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p.compare(t, func(topic string) []string {
				k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, topic))
				require.NoError(t, err)
				t.Cleanup(k.Close)
				return k.ListenAddrs()
			})
		})
	}
}

func TestKafka_ProgramsSeeWhatTheySeeWithKgo(t *testing.T) {
	for name, p := range programs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := kafkatest.Shared(t)
			p.compare(t, func(topic string) []string {
				c.CreateTopic(t, topic, 3)
				return c.Seeds()
			})
		})
	}
}

// compare runs a program with each kind of client. create makes a topic.
func (p program) compare(t *testing.T, create func(topic string) (brokers []string)) {
	lines, logs := map[string][]line{}, map[string][]string{}
	for kind, newClient := range clients {
		topic := kafkatest.TopicName(t) + "-" + kind
		brokers := create(topic)
		reachable, byDefault := brokers, ""
		if p.away {
			reachable = []string{"127.0.0.1:1"}
		}
		if p.defaultTopic {
			byDefault = topic
		}
		r := &run{t: t, cl: newClient(t, reachable, byDefault, p.setup), topic: topic}
		func() {
			defer r.cl.Close()
			p.run(r)
		}()
		for i := range r.lines {
			if r.lines[i].Topic == topic {
				r.lines[i].Topic = "the topic"
			}
		}
		slices.SortFunc(r.lines, func(a, b line) int {
			return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b))
		})
		lines[kind], logs[kind] = r.lines, logOf(t, brokers, topic)
	}
	require.Equal(t, lines["kgo"], lines["kgocompat"])
	if p.anyPartition {
		require.Len(t, logs["kgocompat"], len(logs["kgo"]))
		return
	}
	require.Equal(t, logs["kgo"], logs["kgocompat"])
}

// logOf returns what is in a topic, sorted.
func logOf(t *testing.T, brokers []string, topic string) (all []string) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics(topic))
	require.NoError(t, err)
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListEndOffsets(t.Context(), topic)
	require.NoError(t, err)
	var want int64
	ends.Each(func(o kadm.ListedOffset) { want += o.Offset })
	for int64(len(all)) < want {
		fetches := cl.PollFetches(t.Context())
		require.NoError(t, fetches.Err())
		for rec := range fetches.RecordsAll() {
			when := rec.Timestamp.UnixMilli()
			if rec.Timestamp.After(at.Add(time.Hour)) {
				when = -1 // of the call
			}
			all = append(all, fmt.Sprintf("%d@%d %#v=%#v %#v %d", rec.Partition, rec.Offset, rec.Key,
				rec.Value, rec.Headers, when))
		}
	}
	slices.Sort(all)
	return all
}
