package admin

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/forebay-go/forebay/producer"
)

// Apply creates those of the wanted topics that the cluster called name does not have, with the copies and the retention of their
// priority, and what the cluster's create_topics says beyond that. Topics that are there stay as they are; where they differ, the
// verdict says so. partitions is how many new ones get; 0 means as create_topics says, or else the brokers. With dryRun the
// brokers are only asked whether they would.
func Apply(ctx context.Context, cfg producer.Config, name string, wanted []Wanted, partitions int32, dryRun bool) []Verdict {
	v := &verdicts{cluster: name}
	wanted = slices.DeleteFunc(slices.Clone(wanted), func(w Wanted) bool { return w.Cluster != name })
	client, err := newClient(cfg, name)
	if err != nil {
		v.add(Wrong, "", "%v", err)
		return v.all
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	existing, err := admin.ListTopics(ctx)
	if err != nil {
		v.add(Wrong, "", "topics cannot be listed: %v", why(err))
		return v.all
	}
	topics, none := resolve(wanted, existing.Names())
	for _, w := range none {
		v.add(OK, w.Topic, "is a pattern, which makes no topic: name them with --topic")
	}
	for _, w := range topics {
		if is, there := existing[w.Topic]; there {
			v.compare(ctx, admin, w, is)
			continue
		}
		v.create(ctx, admin, w, cfg.Clusters[name].CreateTopics, partitions, dryRun)
	}
	return v.all
}

// compare says how a topic that is there differs from one that would be made.
func (v *verdicts) compare(ctx context.Context, admin *kadm.Client, w Wanted, is kadm.TopicDetail) {
	p := &probe{verdicts: verdicts{cluster: v.cluster}}
	configs, err := admin.DescribeTopicConfigs(ctx, w.Topic)
	if err != nil {
		v.add(Warning, w.Topic, "is there; its settings cannot be read: %v", why(err))
		return
	}
	p.copies(w, is, settingsOf(configs, w.Topic))
	p.retention(w, settingsOf(configs, w.Topic))
	same := true
	for _, found := range p.all {
		if found.Level != OK {
			v.add(Warning, w.Topic, "is there and stays as it is: %s", found.Text)
			same = false
		}
	}
	if same {
		v.add(OK, w.Topic, "is there: %d partitions", len(is.Partitions))
	}
}

func (v *verdicts) create(ctx context.Context, admin *kadm.Client, w Wanted, settings producer.CreateTopicsConfig, partitions int32, dryRun bool) {
	want := classOf(w.Priority)
	configs := map[string]*string{"retention.ms": kadm.StringPtr(strconv.FormatInt(want.retention.Milliseconds(), 10))}
	for key, value := range maps.All(settings.Configs) {
		configs[key] = &value
	}
	if partitions == 0 {
		partitions = settings.Partitions
	}
	if partitions == 0 {
		partitions = -1
	}
	create, done := admin.CreateTopics, "made"
	if dryRun {
		create, done = admin.ValidateCreateTopics, "would be made"
	}
	answers, err := create(ctx, partitions, int16(want.copies), configs, w.Topic)
	answer := answers[w.Topic]
	if err == nil && answer.Err != nil {
		err = answer.Err
		if answer.ErrMessage != "" {
			err = errors.New(answer.ErrMessage)
		}
	}
	switch {
	case errors.Is(answer.Err, kerr.TopicAlreadyExists): // somebody else has just made it
		v.add(OK, w.Topic, "is there")
	case err != nil:
		v.add(Wrong, w.Topic, "cannot be made with %v: %v", want, why(err))
	case partitions > 0:
		v.add(OK, w.Topic, "%s: %d partitions, %v", done, partitions, want)
	default:
		v.add(OK, w.Topic, "%s: %v", done, want)
	}
}
