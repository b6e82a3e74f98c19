package rig

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/forebay-go/forebay/internal/proctime"
	"github.com/forebay-go/forebay/test/kafkatest"
)

// Kafka is a cluster of real brokers.
type Kafka struct {
	*kafkatest.Cluster
	adm *kadm.Client
}

// Broker is one broker.
type Broker = kafkatest.Broker

// StartKafka starts so many brokers.
func StartKafka(t *TB, brokers int) *Kafka {
	c := kafkatest.Start(t, kafkatest.Brokers(brokers), kafkatest.Heap(768),
		kafkatest.Property("log.retention.check.interval.ms", "2000"))
	return &Kafka{c, c.Admin(t)}
}

var topics atomic.Int64

// Topics makes n new topics. They keep 64 MiB a partition, so that no disk gets full, or
// everything.
func (k *Kafka) Topics(t *TB, n, partitions int, keepAll bool) []string {
	var opts []kafkatest.TopicOption
	if !keepAll {
		opts = append(opts, kafkatest.TopicConfig("retention.bytes", "67108864"),
			kafkatest.TopicConfig("file.delete.delay.ms", "1000"))
	}
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("bench-%d", topics.Add(1))
		k.CreateTopic(t, names[i], partitions, opts...)
	}
	return names
}

// Drop deletes topics, which nobody waits for.
func (k *Kafka) Drop(t *TB, topics []string) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err := k.adm.DeleteTopics(ctx, topics...)
	t.Check(err)
}

// Logged is what is in the logs of topics.
type Logged struct {
	Records       int64   // that were ever written
	BytesPerEntry float64 // of what is still there
}

// Logged returns what is in the logs of topics.
func (k *Kafka) Logged(t *TB, topics []string) (l Logged) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	starts, err := k.adm.ListStartOffsets(ctx, topics...)
	t.Check(err)
	ends, err := k.adm.ListEndOffsets(ctx, topics...)
	t.Check(err)
	t.Check(ends.Error())
	kept := int64(0)
	ends.Each(func(o kadm.ListedOffset) {
		l.Records += o.Offset
		if s, ok := starts.Lookup(o.Topic, o.Partition); ok {
			kept += o.Offset - s.Offset
		}
	})
	dirs, err := k.adm.DescribeAllLogDirs(ctx, nil)
	t.Check(err)
	size := int64(0)
	dirs.Each(func(d kadm.DescribedLogDir) {
		d.Topics.Each(func(p kadm.DescribedLogDirPartition) {
			if slices.Contains(topics, p.Topic) {
				size += p.Size
			}
		})
	})
	if kept > 0 {
		l.BytesPerEntry = float64(size) / float64(kept*int64(len(k.Brokers())))
	}
	return l
}

// CPU returns the processor time that all brokers have taken together.
func (k *Kafka) CPU(t *TB) (sum time.Duration) {
	for _, b := range k.Brokers() {
		if pid := b.PID(); pid > 0 {
			cpu, err := proctime.Of(pid)
			t.Check(err)
			sum += cpu
		}
	}
	return sum
}
