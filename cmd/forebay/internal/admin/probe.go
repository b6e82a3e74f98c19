package admin

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/producer"
)

// Probe checks that cfg works in the cluster called name: its brokers, and the wanted topics there.
// choices override what cfg and the priorities want the topics to be like. cfg must have its
// defaults filled in. Probe sends no record and changes nothing. A broker that does not answer
// takes a few seconds; Probe ends with ctx.
func Probe(ctx context.Context, cfg producer.Config, name string, wanted []Wanted,
	choices Choices) []Verdict {
	p := &probe{verdicts: verdicts{cluster: name}, cfg: cfg, choices: choices}
	wanted = slices.DeleteFunc(slices.Clone(wanted),
		func(w Wanted) bool { return w.Cluster != name })
	client, err := newClient(cfg, name)
	if err != nil {
		p.add(Wrong, "", "%v", err)
		return p.all
	}
	defer client.Close()
	if p.reach(ctx, client) {
		p.topics(ctx, kadm.NewClient(client), wanted)
	}
	return p.all
}

// probe is one call of Probe.
type probe struct {
	verdicts
	cfg     producer.Config
	choices Choices
	brokers int // how many the cluster has
}

// reach asks each broker in the settings, and each that the cluster advertises. It reports whether
// any answers.
func (p *probe) reach(ctx context.Context, client *kgo.Client) bool {
	answered, want, says := 0, p.cfg.Clusters[p.cluster].ClusterID, "cluster_id"
	for _, addr := range p.cfg.Clusters[p.cluster].Brokers {
		id := ""
		seed, err := newClient(p.cfg, p.cluster, kgo.SeedBrokers(addr), kgo.RequestRetries(0))
		if err == nil {
			id, err = ask(ctx, seed.SeedBrokers()[0])
			seed.Close()
		}
		switch {
		case err != nil:
			p.add(Warning, addr, "cannot be reached: %v", why(err))
			continue
		case id != "" && want != "" && id != want:
			p.add(Wrong, addr, "belongs to another cluster: its ID is %q, but %s says %q",
				id, says, want)
			continue
		case id != "" && want == "":
			want, says = id, addr // no cluster_id is set, but all brokers must agree
		}
		answered++
		p.add(OK, addr, "answers")
	}
	if answered == 0 {
		for i := range p.all {
			p.all[i].Level = Wrong // no broker at all answers
		}
		return false
	}
	meta, err := kadm.NewClient(client).BrokerMetadata(ctx)
	if err != nil {
		p.add(Wrong, "", "cannot read metadata: %v", why(err))
		return false
	}
	p.brokers = len(meta.Brokers)
	p.add(OK, "", "cluster %s has %s; %s", meta.Cluster, plural(p.brokers, "broker", "brokers"),
		spoken(p.cfg.Clusters[p.cluster]))
	for _, b := range meta.Brokers {
		if _, err := ask(ctx, client.Broker(int(b.NodeID))); err != nil {
			p.add(Wrong, net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port))),
				"broker %d advertises this address (advertised.listeners), but cannot be "+
					"reached there: %v", b.NodeID, why(err))
		}
	}
	return true
}

// ask returns the ID of the cluster that a broker belongs to, "" if the broker does not report one.
// The error says why it does not answer.
func ask(ctx context.Context, b *kgo.Broker) (id string, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	resp, err := b.Request(ctx, kmsg.NewPtrMetadataRequest())
	if err != nil {
		return "", err
	}
	if reported := resp.(*kmsg.MetadataResponse).ClusterID; reported != nil {
		id = *reported
	}
	return id, nil
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

// topics checks the wanted topics.
func (p *probe) topics(ctx context.Context, admin *kadm.Client, wanted []Wanted) {
	if len(wanted) == 0 {
		p.add(OK, "",
			"no topic was checked, because the settings send none here: name topics with --topic")
		return
	}
	existing, err := admin.ListTopics(ctx)
	if err != nil {
		p.add(Wrong, "", "cannot list topics: %v", why(err))
		return
	}
	topics, none := resolve(wanted, existing.Names())
	for _, w := range none {
		p.add(OK, w.Topic, "no topic matches this pattern")
	}
	names := make([]string, len(topics))
	for i, w := range topics {
		names[i] = w.Topic
	}
	if len(names) == 0 {
		return
	}
	details, err := detailsOf(ctx, admin, names)
	if err != nil {
		p.add(Wrong, "", "cannot read topics: %v", why(err))
		return
	}
	configs, err := configsOf(ctx, admin, names)
	if err != nil {
		p.add(Warning, "", "cannot read the settings of topics: %v", why(err))
	}
	for _, w := range topics {
		p.topic(w, details[w.Topic], settingsOf(configs, w.Topic))
	}
}

// detailsOf returns the details of topics. If access to one is denied, kadm returns only that
// error, so then it asks for one after the other.
func detailsOf(ctx context.Context, admin *kadm.Client, names []string) (kadm.TopicDetails, error) {
	ctx = kadm.WithAuthorizedOps(ctx)
	details, err := admin.ListTopics(ctx, names...)
	if !errors.Is(err, kerr.TopicAuthorizationFailed) {
		return details, err
	}
	details = make(kadm.TopicDetails)
	for _, name := range names {
		one, err := admin.ListTopics(ctx, name)
		switch {
		case errors.Is(err, kerr.TopicAuthorizationFailed):
			details[name] = kadm.TopicDetail{Topic: name, Err: err}
		case err != nil:
			return nil, err
		default:
			maps.Copy(details, one)
		}
	}
	return details, nil
}

// configsOf returns the settings of the topics that may be read, in the same way.
func configsOf(ctx context.Context, admin *kadm.Client, names []string) (kadm.ResourceConfigs,
	error) {
	configs, err := admin.DescribeTopicConfigs(ctx, names...)
	if !errors.Is(err, kerr.TopicAuthorizationFailed) {
		return configs, err
	}
	configs = nil
	for _, name := range names {
		one, err := admin.DescribeTopicConfigs(ctx, name)
		if err != nil && !errors.Is(err, kerr.TopicAuthorizationFailed) {
			return configs, err
		}
		configs = append(configs, one...)
	}
	return configs, nil
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

// topic checks one topic.
func (p *probe) topic(w Wanted, d kadm.TopicDetail, settings map[string]int64) {
	if len(d.Partitions) == 0 {
		switch creates := p.cfg.Clusters[p.cluster].CreateTopics.Enabled; {
		case errors.Is(d.Err, kerr.TopicAuthorizationFailed):
			// permission to write includes permission to describe
			p.add(Wrong, w.Topic,
				"no permission to write or describe: add an ACL that allows WRITE")
		case d.Err != nil && !strings.Contains(d.Err.Error(), "UNKNOWN_TOPIC"):
			p.add(Wrong, w.Topic, "cannot be read: %v", d.Err)
		case creates:
			p.add(OK, w.Topic, "does not exist; it is created when there are records for it")
		case w.Fallback:
			p.add(Warning, w.Topic,
				"does not exist: records for it wait while they fall back to this cluster")
		default:
			p.add(Wrong, w.Topic, "does not exist: records for it wait: create it, as with "+
				"\"forebay topics apply\"")
		}
		return
	}
	p.leaders(w, d)
	p.permission(w, d)
	if !w.Fallback {
		want := wishFor(w, p.cfg.Clusters[p.cluster].CreateTopics, p.choices)
		p.copies(w, want, d, settings)
		p.retention(w, want, settings)
	}
	p.sizes(w, settings)
}

func (p *probe) leaders(w Wanted, d kadm.TopicDetail) {
	without := 0
	for _, partition := range d.Partitions {
		if partition.Leader < 0 {
			without++
		}
	}
	if without > 0 {
		p.add(Wrong, w.Topic, "%d of %d partitions have no leader", without, len(d.Partitions))
		return
	}
	p.add(OK, w.Topic, "exists, %s", plural(len(d.Partitions), "partition", "partitions"))
}

func (p *probe) permission(w Wanted, d kadm.TopicDetail) {
	ops := d.AuthorizedOperations
	switch {
	case slices.Contains(ops, kadm.OpWrite) || slices.Contains(ops, kadm.OpAll):
		p.add(OK, w.Topic, "writing is permitted")
	case len(ops) == 0:
		p.add(Warning, w.Topic, "the broker does not report whether writing is permitted")
	default:
		p.add(Wrong, w.Topic, "no permission to write: add an ACL that allows WRITE")
	}
}

// copies checks the number of replicas. If only the priority wants more, a lack of them is a
// warning.
func (p *probe) copies(w Wanted, want wish, d kadm.TopicDetail, settings map[string]int64) {
	copies := slices.MinFunc(d.Partitions.Sorted(), func(a, b kadm.PartitionDetail) int {
		return cmp.Compare(len(a.Replicas), len(b.Replicas))
	}).Replicas
	level, have := Warning, plural(len(copies), "replica", "replicas")
	if want.copiesAsked {
		level = Wrong
	}
	switch insync := settings["min.insync.replicas"]; {
	case insync > int64(len(copies)):
		p.add(Wrong, w.Topic,
			"%s, but min.insync.replicas is %d: no record can be written with acks: all",
			have, insync)
	case len(copies) < want.copies && !want.copiesAsked && p.brokers == 1:
		p.add(OK, w.Topic, "%s, because the cluster has 1 broker", have)
	case len(copies) < want.copies:
		p.add(level, w.Topic, "%s: %s %d", have, want.copiesBy, want.copies)
	case insync == int64(len(copies)) && insync > 1:
		p.add(Warning, w.Topic,
			"%d replicas, and min.insync.replicas is the same: no record can be written while a "+
				"broker is down", insync)
	default:
		p.add(OK, w.Topic, "%s", have)
	}
}

func (p *probe) retention(w Wanted, want wish, settings map[string]int64) {
	ms, known := settings[retentionKey]
	is := fromMillis(ms)
	switch {
	case !known:
		p.add(Warning, w.Topic, "the broker does not report retention.ms")
	case is < 0 && want.retention < 0, is >= want.leastKept && is <= want.retention:
		p.add(OK, w.Topic, "retention %s", kept(is))
	default:
		p.add(Warning, w.Topic, "retention %s: %s %s", kept(is), want.retentionBy,
			kept(want.retention))
	}
}

func (p *probe) sizes(w Wanted, settings map[string]int64) {
	limit, known := settings["max.message.bytes"]
	batch, record := int64(p.cfg.Batching.MaxBytes), int64(p.cfg.Batching.MaxRecordBytes)
	bytes := func(n int64) string { return humanize.Comma(n) }
	switch {
	case !known:
		p.add(Warning, w.Topic, "the broker does not report max.message.bytes")
	case limit < record:
		p.add(Warning, w.Topic,
			"max.message.bytes is %s: larger records are rejected, but "+
				"batching.max_record_bytes allows %s", bytes(limit), bytes(record))
	case limit < batch:
		p.add(Warning, w.Topic,
			"max.message.bytes is %s: batches of batching.max_bytes (%s) are halved until they "+
				"fit", bytes(limit), bytes(batch))
	default:
		p.add(OK, w.Topic, "max.message.bytes is %s", bytes(limit))
	}
}

// plural returns "1 replica" or "2 replicas".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
