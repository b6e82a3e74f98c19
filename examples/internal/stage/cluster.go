// Package stage is what examples play on: Kafka clusters in the process, behind networks that can
// be cut, and numbers in few characters.
package stage

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/internal/faultnet"
)

// Cluster is a Kafka cluster in this process, behind a network that can be cut.
type Cluster struct {
	*kfake.Cluster
	Link *faultnet.Link

	topics []string
}

// Start starts a cluster of three brokers whose topics have so many partitions. The caller closes
// it.
func Start(partitions int32, topics ...string) (*Cluster, error) {
	c, err := kfake.NewCluster(kfake.SeedTopics(partitions, topics...))
	if err != nil {
		return nil, fmt.Errorf("start a cluster: %w", err)
	}
	return &Cluster{Cluster: c, Link: faultnet.New(new(net.Dialer).DialContext), topics: topics},
		nil
}

// Dialer returns what the producer dials with: each cluster is behind its own link.
func Dialer(clusters map[string]*Cluster) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		for _, c := range clusters {
			if slices.Contains(c.ListenAddrs(), addr) {
				return c.Link.Dial(ctx, network, addr)
			}
		}
		return nil, fmt.Errorf("there is no broker at %s", addr)
	}
}

// Read returns all records of the cluster, those of each partition in its order. It reads up to
// where the partitions end, not up to what is expected: it is to find records twice, too.
func (c *Cluster) Read(ctx context.Context) ([]*kgo.Record, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...),
		kgo.ConsumeTopics(c.topics...))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, c.topics...)
	if err := errors.Join(err, ends.Error()); err != nil {
		return nil, err
	}
	stored := 0
	ends.Each(func(end kadm.ListedOffset) { stored += int(end.Offset) })
	var all []*kgo.Record
	for len(all) < stored {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, err
		}
		all = append(all, fetches.Records()...)
	}
	return all, nil
}
