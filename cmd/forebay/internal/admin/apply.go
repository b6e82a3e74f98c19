package admin

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/forebay-go/forebay/internal/probe"
	"github.com/forebay-go/forebay/producer"
)

// Apply creates the wanted topics that the cluster called name lacks. Their replicas and their
// retention come from choices, else from create_topics of the cluster, else from their priority. A
// cluster of one broker gets one replica if only the priority asks for more. Existing topics are
// not changed; the verdicts say how they differ. With dryRun the brokers only check the request.
func Apply(ctx context.Context, cfg producer.Config, name string, wanted []Wanted, choices Choices,
	dryRun bool) []Verdict {
	v := &verdicts{cluster: name}
	client, err := newClient(cfg, name)
	if err != nil {
		v.add(Wrong, "", "%v", err)
		return v.all
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	existing, err := admin.ListTopics(ctx)
	if err != nil {
		v.add(Wrong, "", "cannot list topics: %v", why(err))
		return v.all
	}
	topics, none := probe.Resolve(probe.In(name, wanted), existing.Names())
	for _, w := range none {
		v.add(OK, w.Topic, "no topic matches this pattern: name the topics to create with --topic")
	}
	brokers, err := admin.ListBrokers(ctx)
	if err != nil {
		v.add(Wrong, "", "cannot read metadata: %v", why(err))
		return v.all
	}
	for _, w := range topics {
		want := wishFor(w, cfg.Clusters[name].CreateTopics, choices)
		if is, there := existing[w.Topic]; there {
			v.compare(ctx, admin, w, want, is, len(brokers))
			continue
		}
		v.create(ctx, admin, w, want, len(brokers), dryRun)
	}
	return v.all
}

// compare says how an existing topic differs from what is wanted.
func (v *verdicts) compare(ctx context.Context, admin *kadm.Client, w Wanted, want wish,
	is kadm.TopicDetail, brokers int) {
	configs, err := admin.DescribeTopicConfigs(ctx, w.Topic)
	if err != nil {
		v.add(Warning, w.Topic, "exists, but its settings cannot be read: %v", why(err))
		return
	}
	settings := settingsOf(configs, w.Topic)
	copies := probe.Copies{Replicas: fewestReplicas(is),
		MinInSync: int(settings["min.insync.replicas"]), AcksAll: !w.LeaderAcks}
	p := &verdicts{cluster: v.cluster}
	p.copies(w.Topic, want, copies.Replicas, copies.Judge(), brokers)
	p.retention(w.Topic, want, probe.FromMillis(settings[retentionKey]))
	same := true
	for _, found := range p.all {
		if found.Level != OK {
			v.add(Warning, w.Topic, "exists and is not changed: %s", found.Text)
			same = false
		}
	}
	if same {
		v.add(OK, w.Topic, "exists: %s", plural(len(is.Partitions), "partition", "partitions"))
	}
}

// create creates a topic, or with dryRun asks the brokers whether they would.
func (v *verdicts) create(ctx context.Context, admin *kadm.Client, w Wanted, want wish, brokers int,
	dryRun bool) {
	level, note := OK, ""
	if brokers == 1 && want.copies > 1 && !want.copiesAsked {
		level, note = Warning, fmt.Sprintf("; %s %d, but the cluster has 1 broker",
			want.copiesBy, want.copies)
		want.copies = 1
	}
	create, done := admin.CreateTopics, "created"
	if dryRun {
		create, done = admin.ValidateCreateTopics, "would be created"
	}
	answers, err := create(ctx, want.partitions, int16(want.copies), want.request(), w.Topic)
	answer := answers[w.Topic]
	if err == nil && answer.Err != nil {
		err = answer.Err
		if answer.ErrMessage != "" {
			err = errors.New(answer.ErrMessage)
		}
	}
	switch {
	case errors.Is(answer.Err, kerr.TopicAlreadyExists): // somebody else has just created it
		v.add(OK, w.Topic, "exists")
	case err != nil && want.copies > brokers:
		v.add(Wrong, w.Topic,
			"cannot be created with %v: the cluster has %s: lower --replication-factor, or "+
				"create_topics.replication_factor of the cluster (%v)",
			want, plural(brokers, "broker", "brokers"), why(err))
	case err != nil:
		v.add(Wrong, w.Topic, "cannot be created with %v: %v", want, why(err))
	case want.partitions > 0:
		v.add(level, w.Topic, "%s: %s, %v%s", done,
			plural(int(want.partitions), "partition", "partitions"), want, note)
	default:
		v.add(level, w.Topic, "%s: %v%s", done, want, note)
	}
}

// fewestReplicas returns how many replicas the partition with the fewest has.
func fewestReplicas(is kadm.TopicDetail) int {
	fewest := math.MaxInt
	for _, p := range is.Partitions {
		fewest = min(fewest, len(p.Replicas))
	}
	return fewest
}

// settingsOf returns the numeric settings of a topic by name; none if they were not reported.
func settingsOf(configs kadm.ResourceConfigs, topic string) map[string]int64 {
	settings := make(map[string]int64)
	rc, err := configs.On(topic, nil)
	if err != nil || rc.Err != nil {
		return settings
	}
	for _, c := range rc.Configs {
		if n, err := strconv.ParseInt(c.MaybeValue(), 10, 64); err == nil {
			settings[c.Key] = n
		}
	}
	return settings
}

// why returns err without the text that kgo adds.
func why(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("no answer")
	}
	return err
}
