package admin

import (
	"context"
	"strconv"
	"time"

	"github.com/forebay-go/forebay/preflight"
	"github.com/forebay-go/forebay/producer"
)

// Probe checks that cfg works in its clusters, with the topics of its rules and more, as
// producer.Config.Preflight does. It adds what choices, create_topics and the priorities want the
// topics to be like. cfg must have its defaults filled in.
func Probe(ctx context.Context, cfg producer.Config, choices Choices, more ...string) ([]Verdict,
	error) {
	var topics []string
	for _, r := range cfg.Topics {
		topics = append(topics, r.Topic)
	}
	report, err := cfg.Preflight(ctx, append(topics, more...))
	if err != nil {
		return nil, err
	}
	var all []Verdict
	for _, c := range report.Clusters {
		v := &verdicts{cluster: c.Name}
		for _, f := range c.Findings {
			v.found(f.About, f)
		}
		for _, t := range c.Topics {
			want := wishFor(Wanted{Topic: t.Name, Priority: t.Priority},
				cfg.Clusters[c.Name].CreateTopics, choices)
			v.topic(t, want, c.Brokers)
		}
		all = append(all, v.all...)
	}
	return all, nil
}

// found adds a finding as it is.
func (v *verdicts) found(about string, f preflight.Finding) {
	text := f.Text
	if f.Check == preflight.Exists && about == "" && f.Level == preflight.OK {
		text += ": name topics with --topic"
	}
	v.add(levelOf(f.Level), about, "%s", text)
}

// topic adds what was found about a topic, and how it differs from what is wanted of it.
func (v *verdicts) topic(t preflight.Topic, want wish, brokers int) {
	for _, f := range t.Findings {
		if f.Check != preflight.Replicas || t.Fallback {
			v.found(t.Name, f)
			continue
		}
		v.copies(t.Name, want, t.Replicas, f, brokers)
		v.retention(t.Name, want, t.Retention)
	}
}

// copies checks the number of replicas, about which judged says whether they are enough for the
// acks. If only the priority wants more, a lack of them is a warning.
func (v *verdicts) copies(topic string, want wish, is int, judged preflight.Finding, brokers int) {
	level, have := Warning, plural(is, "replica", "replicas")
	if want.copiesAsked {
		level = Wrong
	}
	switch lack := is < want.copies && judged.Level < preflight.Problem; {
	case lack && !want.copiesAsked && brokers == 1:
		v.add(OK, topic, "%s, because the cluster has 1 broker", have)
	case lack:
		v.add(level, topic, "%s: %s %d", have, want.copiesBy, want.copies)
	default:
		v.found(topic, judged)
	}
}

// retention checks how long records are kept: 0 if it is not known, negative for forever.
func (v *verdicts) retention(topic string, want wish, is time.Duration) {
	switch {
	case is == 0:
		v.add(Warning, topic, "the broker does not report retention.ms")
	case is < 0 && want.retention < 0, is >= want.leastKept && is <= want.retention:
		v.add(OK, topic, "retention %s", kept(is))
	default:
		v.add(Warning, topic, "retention %s: %s %s", kept(is), want.retentionBy,
			kept(want.retention))
	}
}

// plural returns "1 replica" or "2 replicas".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
