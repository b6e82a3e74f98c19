package calibrate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// asking bounds the wait for an answer about topics.
const asking = 15 * time.Second

// cluster is the administration of the cluster.
type cluster struct {
	client *kgo.Client
	adm    *kadm.Client
}

func connect(brokers []string) (*cluster, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ClientID("forebay-calibrate"),
		kgo.RetryTimeout(asking))
	if err != nil {
		return nil, err
	}
	return &cluster{client, kadm.NewClient(client)}, nil
}

// size returns how many brokers the cluster has.
func (c *cluster) size(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	brokers, err := c.adm.ListBrokers(ctx)
	if err != nil {
		return 0, fmt.Errorf("list the brokers: %w", err)
	}
	return len(brokers), nil
}

// create creates a topic that keeps little.
func (c *cluster) create(ctx context.Context, partitions, replicas int) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	topic := fmt.Sprintf("forebay-calibrate-%08x", rand.Uint32())
	little := "67108864"
	_, err := c.adm.CreateTopic(ctx, int32(partitions), int16(replicas),
		map[string]*string{"retention.bytes": &little}, topic)
	if err != nil {
		return "", fmt.Errorf("create topic %s: %w", topic, err)
	}
	return topic, nil
}

// remove deletes topics, even if the context of the run has ended.
func (c *cluster) remove(topics []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), asking)
	defer cancel()
	resp, err := c.adm.DeleteTopics(ctx, topics...)
	if err := errors.Join(err, resp.Error()); err != nil {
		return fmt.Errorf("delete topics %v: %w: delete them yourself", topics, err)
	}
	return nil
}
