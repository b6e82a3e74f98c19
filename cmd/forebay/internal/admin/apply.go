package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/forebay-go/forebay/producer"
)

// Apply creates those of the wanted topics that the cluster called name does not have, as choices
// say, or else its create_topics, or else with the copies and the retention of their priority. A
// cluster of one broker gets one copy where only the priority asks for more. Topics that are there
// stay as they are; where they differ, the verdict says so. With dryRun the brokers are only asked
// whether they would.
func Apply(ctx context.Context, cfg producer.Config, name string, wanted []Wanted, choices Choices,
	dryRun bool) []Verdict {
	v := &verdicts{cluster: name}
	wanted = slices.DeleteFunc(slices.Clone(wanted),
		func(w Wanted) bool { return w.Cluster != name })
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
	brokers, err := admin.ListBrokers(ctx)
	if err != nil {
		v.add(Wrong, "", "no metadata: %v", why(err))
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

// compare says how a topic that is there differs from one that would be made.
func (v *verdicts) compare(ctx context.Context, admin *kadm.Client, w Wanted, want wish,
	is kadm.TopicDetail, brokers int) {
	p := &probe{verdicts: verdicts{cluster: v.cluster}, brokers: brokers}
	configs, err := admin.DescribeTopicConfigs(ctx, w.Topic)
	if err != nil {
		v.add(Warning, w.Topic, "is there; its settings cannot be read: %v", why(err))
		return
	}
	p.copies(w, want, is, settingsOf(configs, w.Topic))
	p.retention(w, want, settingsOf(configs, w.Topic))
	same := true
	for _, found := range p.all {
		if found.Level != OK {
			v.add(Warning, w.Topic, "is there and stays as it is: %s", found.Text)
			same = false
		}
	}
	if same {
		v.add(OK, w.Topic, "is there: %s", plural(len(is.Partitions), "partition", "partitions"))
	}
}

func (v *verdicts) create(ctx context.Context, admin *kadm.Client, w Wanted, want wish, brokers int,
	dryRun bool) {
	level, note := OK, ""
	if brokers == 1 && want.copies > 1 && !want.copiesAsked {
		level, note = Warning, fmt.Sprintf("; %s %d, but there is one broker", want.copiesBy,
			want.copies)
		want.copies = 1
	}
	create, done := admin.CreateTopics, "made"
	if dryRun {
		create, done = admin.ValidateCreateTopics, "would be made"
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
	case errors.Is(answer.Err, kerr.TopicAlreadyExists): // somebody else has just made it
		v.add(OK, w.Topic, "is there")
	case err != nil && want.copies > brokers:
		v.add(Wrong, w.Topic,
			"cannot be made with %v: the cluster has %s: lower --replication-factor, or "+
				"create_topics.replication_factor "+
				"of the cluster (%v)", want, plural(brokers, "broker", "brokers"), why(err))
	case err != nil:
		v.add(Wrong, w.Topic, "cannot be made with %v: %v", want, why(err))
	case want.partitions > 0:
		v.add(level, w.Topic, "%s: %s, %v%s", done,
			plural(int(want.partitions), "partition", "partitions"), want, note)
	default:
		v.add(level, w.Topic, "%s: %v%s", done, want, note)
	}
}
