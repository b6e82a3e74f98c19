package main

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/audit"
)

const (
	playsTopic    = "plays"
	paymentsTopic = "payments" // it has one partition

	slowBroker = 2
	slowness   = 800 * time.Millisecond
)

// cluster is a Kafka cluster whose brokers can be made to fail.
type cluster struct {
	*kfake.Cluster
	payments [16]byte // ID of the topic

	mu     sync.Mutex // guards what follows
	slow   bool
	steal  bool // acknowledge the next payment, and throw it away
	stolen bool
	stored int64 // payments in the log
}

// startCluster starts three brokers with the topics of the story.
func startCluster(ctx context.Context) (*cluster, error) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.SeedTopics(6, playsTopic),
		kfake.SeedTopics(1, paymentsTopic), kfake.SeedTopics(3, audit.StatementTopic))
	if err != nil {
		return nil, err
	}
	c := &cluster{Cluster: fake}
	if err := c.prepare(ctx); err != nil {
		c.Close()
		return nil, err
	}
	c.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		return c.produce(req.(*kmsg.ProduceRequest))
	})
	return c, nil
}

// prepare makes the topic of heartbeats, with a partition on each broker.
func (c *cluster) prepare(ctx context.Context) error {
	if _, err := audit.CreateHeartbeatTopic(ctx, audit.HeartbeatTopic, c.options()...); err != nil {
		return err
	}
	for n := range int32(3) { // this Kafka has leaders where it likes
		if err := c.MoveTopicPartition(audit.HeartbeatTopic, n, n); err != nil {
			return err
		}
	}
	if err := c.MoveTopicPartition(paymentsTopic, 0, 0); err != nil {
		return err
	}
	client, err := kgo.NewClient(c.options()...)
	if err != nil {
		return err
	}
	defer client.Close()
	topics, err := kadm.NewClient(client).ListTopics(ctx, paymentsTopic)
	if err != nil {
		return err
	}
	c.payments = topics[paymentsTopic].ID
	return nil
}

func (c *cluster) options() []kgo.Opt { return []kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...)} }

// produce is what the brokers do with a produce request before they handle it.
func (c *cluster) produce(req *kmsg.ProduceRequest) (kmsg.Response, error, bool) {
	c.mu.Lock()
	slow := c.slow && c.CurrentNode() == slowBroker
	resp := c.payment(req)
	c.mu.Unlock()
	if slow {
		c.SleepControl(func() { time.Sleep(slowness) })
	}
	return resp, nil, resp != nil
}

// payment counts payments. It returns the answer to one that is thrown away, or nil.
func (c *cluster) payment(req *kmsg.ProduceRequest) kmsg.Response {
	for _, t := range req.Topics {
		if t.Topic != paymentsTopic && t.TopicID != c.payments {
			continue
		}
		var batch kmsg.RecordBatch
		if err := batch.ReadFrom(t.Partitions[0].Records); err != nil {
			continue
		}
		if !c.steal || c.stolen || batch.NumRecords != 1 || len(req.Topics) != 1 {
			c.stored += int64(batch.NumRecords)
			continue
		}
		c.stolen = true
		resp := req.ResponseKind().(*kmsg.ProduceResponse)
		rt := kmsg.NewProduceResponseTopic()
		rt.Topic, rt.TopicID = t.Topic, t.TopicID
		rp := kmsg.NewProduceResponseTopicPartition()
		rp.Partition, rp.BaseOffset = t.Partitions[0].Partition, c.stored
		rt.Partitions = append(rt.Partitions, rp)
		resp.Topics = append(resp.Topics, rt)
		return resp
	}
	return nil
}

// set changes what is wrong.
func (c *cluster) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

// hasStolen reports whether a payment was thrown away.
func (c *cluster) hasStolen() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stolen
}
