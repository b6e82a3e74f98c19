package admin

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/producer"
)

// Growth describes the partitions to add to topics of a cluster.
type Growth struct {
	Cluster string
	Topics  []string // names, or patterns of existing topics
	Add     int      // partitions to add to each
	On      []int32  // node IDs of the brokers to use; empty means those without partitions
	DryRun  bool
}

// Grow adds partitions to all topics in one request and returns where they are. With DryRun the
// brokers only check the request. The error names the topics that the brokers refuse; the others
// have grown.
func Grow(ctx context.Context, cfg producer.Config, g Growth) ([]Partition, error) {
	client, err := newClient(cfg, g.Cluster)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	meta, err := kadm.NewClient(client).Metadata(ctx)
	if err != nil {
		return nil, fmt.Errorf("cannot read the topics of cluster %s: %w", g.Cluster, why(err))
	}
	g.Topics = expand(g.Topics, meta.Topics)
	plan, err := g.plan(meta)
	if err != nil {
		return nil, err
	}
	req := kmsg.NewPtrCreatePartitionsRequest()
	req.ValidateOnly = g.DryRun
	req.TimeoutMillis = 30_000
	for _, name := range g.Topics {
		t := kmsg.NewCreatePartitionsRequestTopic()
		t.Topic, t.Count = name, int32(len(meta.Topics[name].Partitions)+g.Add)
		for _, p := range plan {
			if p.Topic == name {
				t.Assignment = append(t.Assignment,
					kmsg.CreatePartitionsRequestTopicAssignment{Replicas: p.Replicas})
			}
		}
		req.Topics = append(req.Topics, t)
	}
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("cannot add partitions: %w", why(err))
	}
	return refused(plan, resp)
}

// expand replaces patterns by the topics that they match, each once. It keeps a pattern that
// matches nothing.
func expand(topics []string, there kadm.TopicDetails) []string {
	var names []string
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, topic := range topics {
		found := false
		for _, name := range there.Names() {
			if ok, err := path.Match(topic, name); ok && err == nil && !there[name].IsInternal {
				add(name)
				found = true
			}
		}
		if !found {
			add(topic)
		}
	}
	return names
}

// refused returns the partitions of plan that the brokers accepted, and an error for the others.
func refused(plan []Partition, resp *kmsg.CreatePartitionsResponse) ([]Partition, error) {
	var errs []error
	for _, t := range resp.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			if t.ErrorMessage != nil {
				err = fmt.Errorf("%w: %s", err, *t.ErrorMessage)
			}
			errs = append(errs, fmt.Errorf("topic %s: %w", t.Topic, err))
			plan = slices.DeleteFunc(plan, func(p Partition) bool { return p.Topic == t.Topic })
		}
	}
	return plan, errors.Join(errs...)
}

// plan returns where the new partitions will be.
func (g *Growth) plan(meta kadm.Metadata) ([]Partition, error) {
	var brokers []node
	for _, b := range meta.Brokers {
		n := node{id: b.NodeID}
		if b.Rack != nil {
			n.rack = *b.Rack
		}
		brokers = append(brokers, n)
	}
	var errs []error
	var topics []shape
	for _, name := range g.Topics {
		t := meta.Topics[name]
		if len(t.Partitions) == 0 {
			errs = append(errs, fmt.Errorf("topic %s: does not exist", name))
			continue
		}
		topics = append(topics, shape{name, len(t.Partitions), t.Partitions.NumReplicas()})
	}
	for _, id := range g.On {
		if !slices.ContainsFunc(brokers, func(n node) bool { return n.id == id }) {
			errs = append(errs, fmt.Errorf("broker %d: does not exist", id))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	on := g.On
	if len(on) == 0 {
		if on = empty(meta); len(on) == 0 {
			return nil, fmt.Errorf("every broker of cluster %s holds partitions already: "+
				"write --on with the brokers to use", g.Cluster)
		}
	}
	return place(topics, g.Add, on, brokers)
}

// empty returns the brokers that hold no partition: those that were just added.
func empty(meta kadm.Metadata) []int32 {
	holding := make(map[int32]bool)
	meta.Topics.EachPartition(func(p kadm.PartitionDetail) {
		for _, id := range p.Replicas {
			holding[id] = true
		}
	})
	var ids []int32
	for _, b := range meta.Brokers {
		if !holding[b.NodeID] {
			ids = append(ids, b.NodeID)
		}
	}
	return ids
}
