package probe

import (
	"context"
	"errors"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/internal/cluster"
)

// metadata asks for topics; nil means all of them, and none means the brokers alone. It never has a
// topic created.
func metadata(ctx context.Context, client *kgo.Client, topics []string) (*kmsg.MetadataResponse,
	error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req := noTopics()
	if topics == nil {
		req.Topics = nil
	}
	for _, name := range topics {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = kmsg.StringPtr(name)
		req.Topics = append(req.Topics, t)
	}
	req.IncludeTopicAuthorizedOperations = len(topics) > 0
	return req.RequestWith(ctx, client)
}

// topicSettings are the settings of a topic that matter here, by Kafka's names.
type topicSettings map[string]int64

const (
	maxMessageBytes = "max.message.bytes"
	minInSync       = "min.insync.replicas"
	retention       = "retention.ms"
)

// settings asks for the settings of topics. A topic whose settings may not be read is in denied.
func settings(ctx context.Context, client *kgo.Client,
	topics []string) (of map[string]topicSettings, denied map[string]bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req := kmsg.NewPtrDescribeConfigsRequest()
	for _, name := range topics {
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, name
		r.ConfigNames = []string{maxMessageBytes, minInSync, retention}
		req.Resources = append(req.Resources, r)
	}
	of, denied = make(map[string]topicSettings), make(map[string]bool)
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return of, denied, err
	}
	for _, r := range resp.Resources {
		values := make(topicSettings)
		for _, c := range r.Configs {
			if c.Value == nil {
				continue
			}
			if n, err := strconv.ParseInt(*c.Value, 10, 64); err == nil {
				values[c.Name] = n
			}
		}
		of[r.ResourceName] = values
		denied[r.ResourceName] = r.ErrorCode == kerr.TopicAuthorizationFailed.Code
	}
	return of, denied, nil
}

// creatable asks whether the cluster would create topics, which differ, and has it create nothing.
// It adds the brokers' refusals to refused. The error says why there is no answer.
func creatable(ctx context.Context, client *kgo.Client, topics []string, want *cluster.Creation,
	refused map[string]error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req := kmsg.NewPtrCreateTopicsRequest()
	req.ValidateOnly = true
	req.TimeoutMillis = int32(patience.Milliseconds())
	for _, topic := range topics {
		t := kmsg.NewCreateTopicsRequestTopic()
		t.Topic, t.NumPartitions, t.ReplicationFactor = topic, want.Partitions, want.Replication
		for key, value := range want.Configs {
			c := kmsg.NewCreateTopicsRequestTopicConfig()
			c.Name, c.Value = key, value
			t.Configs = append(t.Configs, c)
		}
		req.Topics = append(req.Topics, t)
	}
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	for _, t := range resp.Topics {
		err := kerr.ErrorForCode(t.ErrorCode)
		if err != nil && t.ErrorMessage != nil && *t.ErrorMessage != "" {
			err = &refusal{words: *t.ErrorMessage, err: err}
		}
		refused[t.Topic] = err
	}
	return nil
}

// refusal is an error of Kafka in the broker's words.
type refusal struct {
	words string
	err   error
}

func (r *refusal) Error() string { return r.words }
func (r *refusal) Unwrap() error { return r.err }

// exists reports whether err says that a topic is there.
func exists(err error) bool { return errors.Is(err, kerr.TopicAlreadyExists) }
