package audit

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Retention is how long the statement topic keeps statements, and so how long an audit remembers.
const Retention = "259200000" // ms: three days

// CreateStatementTopic creates the statement topic as it should be: compacted, so that only the newest
// version of each statement stays, and with statements deleted after Retention. A topic that exists
// is left as it is. replicas of -1 means the default of the brokers.
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
		"segment.ms": set("3600000")}, topic)
	switch {
	case errors.Is(err, kerr.TopicAlreadyExists):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("create the topic %q: %w", topic, err)
	}
	return true, nil
}
