package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Retention is how long the statement topic keeps statements, and so how long an audit remembers.
const Retention = "259200000" // ms: three days

// CreateStatementTopic creates the statement topic as it should be: compacted, so that only the
// newest version of each statement stays, with statements deleted after Retention, and with the
// times of the brokers, whatever the clocks of the instances say. A topic that exists is left as it
// is. replicas of -1 means the default of the brokers.
func CreateStatementTopic(ctx context.Context, topic string, partitions int32, replicas int16,
	opts ...kgo.Opt) (created bool, err error) {
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return false, err
	}
	defer client.Close()
	set := func(v string) *string { return &v }
	_, err = kadm.NewClient(client).CreateTopic(ctx, partitions, replicas, map[string]*string{
		"cleanup.policy": set("compact,delete"), "retention.ms": set(Retention),
		"segment.ms": set("3600000"), "message.timestamp.type": set("LogAppendTime")}, topic)
	switch {
	case errors.Is(err, kerr.TopicAlreadyExists):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("create the topic %q: %w", topic, err)
	}
	return true, nil
}

// CreateHeartbeatTopic gives each broker a partition of the heartbeat topic, with one replica, so
// that the broker of each partition is always the same. It creates the topic, or adds a partition
// for each broker that leads none; it moves no partition. It returns how many partitions it has
// added.
func CreateHeartbeatTopic(ctx context.Context, topic string, opts ...kgo.Opt) (added int,
	err error) {
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return 0, err
	}
	defer client.Close()
	for try := 0; ; try++ {
		added, err = watchAll(ctx, client, topic)
		switch {
		case err == nil:
			return added, nil
		case try == 50 || !errors.Is(err, kerr.TopicAlreadyExists) &&
			!errors.Is(err, kerr.InvalidPartitions):
			return 0, fmt.Errorf("create the topic %q, or add partitions to it: %w", topic, err)
		}
		sleep(ctx, 100*time.Millisecond) // the broker that was asked has not heard of it yet
	}
}

// watchAll is CreateHeartbeatTopic, by what one broker knows.
func watchAll(ctx context.Context, client *kgo.Client, topic string) (added int, err error) {
	meta, err := kadm.NewClient(client).Metadata(ctx, topic)
	if err != nil {
		return 0, err
	}
	there := meta.Topics[topic]
	missing := unwatched(&meta, topic)
	switch {
	case errors.Is(there.Err, kerr.UnknownTopicOrPartition):
		err = createOn(ctx, client, topic, missing)
	case there.Err != nil:
		err = there.Err
	case len(missing) > 0:
		err = addOn(ctx, client, topic, len(there.Partitions), missing)
	}
	if err != nil {
		return 0, err
	}
	return len(missing), nil
}

// unwatched returns the brokers that have no replica of a topic.
func unwatched(meta *kadm.Metadata, topic string) (missing []int32) {
	for _, b := range meta.Brokers {
		has := false
		for _, p := range meta.Topics[topic].Partitions {
			has = has || slices.Contains(p.Replicas, b.NodeID)
		}
		if !has {
			missing = append(missing, b.NodeID)
		}
	}
	slices.Sort(missing)
	return missing
}

// createOn creates a topic with one partition on each of some brokers.
func createOn(ctx context.Context, client *kgo.Client, topic string, brokers []int32) error {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = timeout(ctx)
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = topic, -1, -1
	for i, broker := range brokers {
		a := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
		a.Partition, a.Replicas = int32(i), []int32{broker}
		t.ReplicaAssignment = append(t.ReplicaAssignment, a)
	}
	for name, value := range map[string]string{
		"retention.ms": "3600000", "min.insync.replicas": "1"} {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = name, &value
		t.Configs = append(t.Configs, c)
	}
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.Topics[0].ErrorCode)
}

// addOn adds a partition on each of some brokers to a topic that has n.
func addOn(ctx context.Context, client *kgo.Client, topic string, n int, brokers []int32) error {
	req := kmsg.NewPtrCreatePartitionsRequest()
	req.TimeoutMillis = timeout(ctx)
	t := kmsg.NewCreatePartitionsRequestTopic()
	t.Topic, t.Count = topic, int32(n+len(brokers))
	for _, broker := range brokers {
		a := kmsg.NewCreatePartitionsRequestTopicAssignment()
		a.Replicas = []int32{broker}
		t.Assignment = append(t.Assignment, a)
	}
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(resp.Topics[0].ErrorCode)
}

// timeout returns how long a broker may take for a request.
func timeout(ctx context.Context) int32 {
	if end, ok := ctx.Deadline(); ok {
		return int32(max(time.Until(end), time.Second).Milliseconds())
	}
	return 15_000
}
