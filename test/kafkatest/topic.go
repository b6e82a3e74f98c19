//go:build unix

package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"unicode"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// topicNames counts what TopicName has returned.
var topicNames atomic.Int64

// TopicName returns a name for a topic of t that it returns only once, made of t's own name. Tests
// that take the Shared cluster need one, as they may run more than once in it (go test -count).
func TopicName(t testing.TB) string {
	legal := func(r rune) rune {
		if r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r) ||
			strings.ContainsRune("._-", r)) {
			return r
		}
		return '-'
	}
	name := strings.Map(legal, t.Name())
	const most = 200 // Kafka takes 249, less what it adds to the names of folders
	return fmt.Sprintf("%s-%d", name[:min(len(name), most)], topicNames.Add(1))
}

// TopicOption changes the topic that CreateTopic creates.
type TopicOption interface {
	applyTopic(*kmsg.CreateTopicsRequestTopic)
}

type topicOptionFunc func(*kmsg.CreateTopicsRequestTopic)

func (f topicOptionFunc) applyTopic(r *kmsg.CreateTopicsRequestTopic) { f(r) }

// Replication sets the number of replicas of each partition. The default is one on every broker.
func Replication(n int) TopicOption {
	return topicOptionFunc(func(r *kmsg.CreateTopicsRequestTopic) {
		r.ReplicationFactor = int16(n)
	})
}

// TopicConfig sets one of the topic's own settings, such as "min.insync.replicas" or
// "max.message.bytes".
func TopicConfig(key, value string) TopicOption {
	return topicOptionFunc(func(r *kmsg.CreateTopicsRequestTopic) {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = key, &value
		r.Configs = append(r.Configs, c)
	})
}

// Assign says on which nodes each partition is, partition 0 first; the first node of a partition is
// its first leader. It takes the place of Replication and must name as many partitions as
// CreateTopic.
func Assign(nodeIDs ...[]int32) TopicOption {
	return topicOptionFunc(func(r *kmsg.CreateTopicsRequestTopic) {
		for partition, replicas := range nodeIDs {
			a := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
			a.Partition, a.Replicas = int32(partition), replicas
			r.ReplicaAssignment = append(r.ReplicaAssignment, a)
		}
	})
}

// CreateTopic creates a topic and returns when every broker that runs knows it and each partition
// has a leader that takes records.
func (c *Cluster) CreateTopic(t testing.TB, name string, partitions int, opts ...TopicOption) {
	t.Helper()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions = name, int32(partitions)
	topic.ReplicationFactor = int16(len(c.brokers))
	for _, o := range opts {
		o.applyTopic(&topic)
	}
	if len(topic.ReplicaAssignment) > 0 {
		// what Kafka wants to see beside an assignment
		topic.NumPartitions, topic.ReplicationFactor = -1, -1
	}
	c.do(t, "create topic "+name, func(ctx context.Context) error {
		if err := c.create(ctx, topic); err != nil {
			return err
		}
		if err := c.awaitPartitions(ctx, name, partitions); err != nil {
			return err
		}
		return c.awaitLeaders(ctx, name)
	})
}

// awaitLeaders waits until each leader knows that it is one: the others know it first, sometimes.
func (c *Cluster) awaitLeaders(ctx context.Context, topic string) error {
	cl, err := c.liveClient()
	if err != nil {
		return err
	}
	defer cl.Close()
	for {
		ends, err := kadm.NewClient(cl).ListEndOffsets(ctx, topic)
		if err == nil {
			err = ends.Error()
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
}

// DeleteTopic deletes a topic and returns when every broker that runs has forgotten its name.
func (c *Cluster) DeleteTopic(t testing.TB, name string) {
	t.Helper()
	c.admin(t, "delete topic "+name, func(ctx context.Context, adm *kadm.Client) error {
		if _, err := adm.DeleteTopic(ctx, name); err != nil {
			return err
		}
		return c.awaitTopic(ctx, name, func(topic kmsg.MetadataResponseTopic) error {
			if err := kerr.ErrorForCode(topic.ErrorCode); !errors.Is(err,
				kerr.UnknownTopicOrPartition) {
				return fmt.Errorf("it is still known (error %w)", err)
			}
			return nil
		})
	})
}

// AddPartitions grows a topic to total partitions and returns when every broker that runs knows
// them with their leaders.
func (c *Cluster) AddPartitions(t testing.TB, name string, total int) {
	t.Helper()
	c.admin(t, "add partitions to "+name, func(ctx context.Context, adm *kadm.Client) error {
		resps, err := adm.UpdatePartitions(ctx, total, name)
		if err == nil {
			err = resps.Error()
		}
		if err != nil {
			return err
		}
		return c.awaitPartitions(ctx, name, total)
	})
}

// Leader returns the broker that leads a partition, waiting up to 30 s for one that runs to do so.
// While a broker is down or paused the cluster may need 1.5 s to move its partitions; Leader never
// returns that one.
func (c *Cluster) Leader(t testing.TB, topic string, partition int) *Broker {
	t.Helper()
	var leader *Broker
	c.do(t, fmt.Sprintf("find the leader of %s[%d]", topic, partition),
		func(ctx context.Context) error {
			live := c.live()
			if len(live) == 0 {
				return errors.New("no broker of the cluster is running")
			}
			return pollTopic(ctx, live[0], topic, func(topic kmsg.MetadataResponseTopic) error {
				for _, p := range topic.Partitions {
					if int(p.Partition) != partition {
						continue
					}
					for _, b := range c.live() {
						if b.nodeID == p.Leader {
							leader = b
							return nil
						}
					}
				}
				return fmt.Errorf("none of those that run, in %d partitions (error %w)",
					len(topic.Partitions), kerr.ErrorForCode(topic.ErrorCode))
			})
		})
	return leader
}

// AwaitInSync returns when every replica of every partition of a topic is in sync, as every broker
// that runs sees it. It waits up to 30 s.
func (c *Cluster) AwaitInSync(t testing.TB, topic string) {
	t.Helper()
	c.do(t, "wait for the replicas of "+topic, func(ctx context.Context) error {
		return c.awaitTopic(ctx, topic, func(topic kmsg.MetadataResponseTopic) error {
			for _, p := range topic.Partitions {
				if len(p.ISR) != len(p.Replicas) || p.Leader < 0 {
					return fmt.Errorf("of partition %d, led by %d, %v are in sync of %v",
						p.Partition, p.Leader, p.ISR, p.Replicas)
				}
			}
			return kerr.ErrorForCode(topic.ErrorCode)
		})
	})
}

func (c *Cluster) create(ctx context.Context, topic kmsg.CreateTopicsRequestTopic) error {
	cl, err := c.liveClient()
	if err != nil {
		return err
	}
	defer cl.Close()
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return err
	}
	for _, made := range resp.Topics {
		if err := kerr.ErrorForCode(made.ErrorCode); err != nil {
			message := ""
			if made.ErrorMessage != nil {
				message = *made.ErrorMessage
			}
			return fmt.Errorf("%w (%s)", err, message)
		}
	}
	return nil
}

// do runs f with the limit of a request and fails t when it returns an error.
func (c *Cluster) do(t testing.TB, what string, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), requestLimit)
	defer cancel()
	if err := f(ctx); err != nil {
		t.Fatalf("kafkatest: %s: %v", what, err)
	}
}

// admin is do with a client.
func (c *Cluster) admin(t testing.TB, what string, f func(context.Context, *kadm.Client) error) {
	t.Helper()
	c.do(t, what, func(ctx context.Context) error {
		cl, err := c.liveClient()
		if err != nil {
			return err
		}
		defer cl.Close()
		return f(ctx, kadm.NewClient(cl))
	})
}

func (c *Cluster) awaitPartitions(ctx context.Context, name string, want int) error {
	return c.awaitTopic(ctx, name, func(topic kmsg.MetadataResponseTopic) error {
		if err := kerr.ErrorForCode(topic.ErrorCode); err != nil {
			return err
		}
		if len(topic.Partitions) != want {
			return fmt.Errorf("%d partitions are known, of %d", len(topic.Partitions), want)
		}
		for _, p := range topic.Partitions {
			if p.Leader < 0 {
				return fmt.Errorf("partition %d has no leader", p.Partition)
			}
		}
		return nil
	})
}

// awaitTopic waits until check holds on each broker that runs: they learn of a change one by one,
// and a client may ask any.
func (c *Cluster) awaitTopic(ctx context.Context, name string,
	check func(kmsg.MetadataResponseTopic) error) error {
	for _, b := range c.live() {
		if err := pollTopic(ctx, b, name, check); err != nil {
			return fmt.Errorf("on broker %d: %w", b.nodeID, err)
		}
	}
	return nil
}

func pollTopic(ctx context.Context, b *Broker, name string,
	check func(kmsg.MetadataResponseTopic) error) error {
	return pollMetadata(ctx, b.Addr(), []string{name}, func(m metadata) error {
		if m.err != nil {
			return m.err
		}
		if len(m.Topics) != 1 {
			return fmt.Errorf("answered with %d topics", len(m.Topics))
		}
		return check(m.Topics[0])
	})
}
