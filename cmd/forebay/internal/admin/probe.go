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

// Probe asks the cluster called name whether it takes what cfg, with its defaults filled in, sends
// there: wanted are the topics, and choices what they are to be like, before what cfg and their
// priorities say. It sends no record and changes nothing. It takes a few seconds for a broker that
// does not answer, and ends with ctx.
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
	brokers int // that the cluster has
}

// reach asks each broker that the settings name, and each that those name, and reports whether any
// answers.
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
			p.add(Wrong, addr, "another Kafka cluster answers there: its ID is %q, and %s says %q",
				id, says, want)
			continue
		case id != "" && want == "":
			want, says = id, addr // nothing is set, but all have to lead to one
		}
		answered++
		p.add(OK, addr, "answers")
	}
	if answered == 0 {
		for i := range p.all {
			p.all[i].Level = Wrong // without any of them nothing works
		}
		return false
	}
	meta, err := kadm.NewClient(client).BrokerMetadata(ctx)
	if err != nil {
		p.add(Wrong, "", "no metadata: %v", why(err))
		return false
	}
	p.brokers = len(meta.Brokers)
	p.add(OK, "", "cluster %s has %s; %s", meta.Cluster, plural(p.brokers, "broker", "brokers"),
		spoken(p.cfg.Clusters[p.cluster]))
	for _, b := range meta.Brokers {
		if _, err := ask(ctx, client.Broker(int(b.NodeID))); err != nil {
			p.add(Wrong, net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port))),
				"broker %d calls itself so (advertised.listeners), and cannot be reached there: "+
					"%v", b.NodeID, why(err))
		}
	}
	return true
}

// ask returns the ID of the cluster that a broker belongs to, "" if it does not tell, or why it
// does not answer.
func ask(ctx context.Context, b *kgo.Broker) (id string, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	resp, err := b.Request(ctx, kmsg.NewPtrMetadataRequest())
	if err != nil {
		return "", err
	}
	if told := resp.(*kmsg.MetadataResponse).ClusterID; told != nil {
		id = *told
	}
	return id, nil
}

// why returns err without what kgo says around it.
func why(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("no answer")
	}
	return err
}

// topics looks at what is wanted.
func (p *probe) topics(ctx context.Context, admin *kadm.Client, wanted []Wanted) {
	if len(wanted) == 0 {
		p.add(OK, "",
			"the settings name no topic that goes here, so none was looked at: name some with "+
				"--topic")
		return
	}
	existing, err := admin.ListTopics(ctx)
	if err != nil {
		p.add(Wrong, "", "topics cannot be listed: %v", why(err))
		return
	}
	topics, none := resolve(wanted, existing.Names())
	for _, w := range none {
		p.add(OK, w.Topic, "no topic there matches it")
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
		p.add(Wrong, "", "topics cannot be looked at: %v", why(err))
		return
	}
	configs, err := configsOf(ctx, admin, names)
	if err != nil {
		p.add(Warning, "", "settings of topics cannot be read: %v", why(err))
	}
	for _, w := range topics {
		p.topic(w, details[w.Topic], settingsOf(configs, w.Topic))
	}
}

// detailsOf returns what the brokers say of topics. Where one of them is forbidden kadm says no
// more than that, so then they are asked for one by one.
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

// configsOf returns the settings of those topics that may be seen, in the same way.
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

// settingsOf returns the settings of a topic, by name; none if they are not told.
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

// topic looks at one topic.
func (p *probe) topic(w Wanted, d kadm.TopicDetail, settings map[string]int64) {
	if len(d.Partitions) == 0 {
		switch creates := p.cfg.Clusters[p.cluster].CreateTopics.Enabled; {
		case errors.Is(d.Err, kerr.TopicAuthorizationFailed):
			// the right to write has the right to look in it
			p.add(Wrong, w.Topic, "may not be written to, nor looked at: it wants an ACL for WRITE")
		case d.Err != nil && !strings.Contains(d.Err.Error(), "UNKNOWN_TOPIC"):
			p.add(Wrong, w.Topic, "cannot be looked at: %v", d.Err)
		case creates:
			p.add(OK, w.Topic, "is not there, and is made when there are records for it")
		case w.Fallback:
			p.add(Warning, w.Topic,
				"is not there: while the settings fall back to this cluster, records for it wait")
		default:
			p.add(Wrong, w.Topic,
				"is not there: records for it wait. \"forebay topics apply\" makes it")
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
		p.add(Wrong, w.Topic, "partitions without a leader: %d of %d", without, len(d.Partitions))
		return
	}
	p.add(OK, w.Topic, "is there, %s", plural(len(d.Partitions), "partition", "partitions"))
}

func (p *probe) permission(w Wanted, d kadm.TopicDetail) {
	ops := d.AuthorizedOperations
	switch {
	case slices.Contains(ops, kadm.OpWrite) || slices.Contains(ops, kadm.OpAll):
		p.add(OK, w.Topic, "may be written to")
	case len(ops) == 0:
		p.add(Warning, w.Topic, "the broker does not say whether it may be written to")
	default:
		p.add(Wrong, w.Topic, "may not be written to: it wants an ACL for WRITE")
	}
}

// copies says whether there are as many as are wanted. Where nobody but the table of priorities
// wants them, that is advice.
func (p *probe) copies(w Wanted, want wish, d kadm.TopicDetail, settings map[string]int64) {
	copies := slices.MinFunc(d.Partitions.Sorted(), func(a, b kadm.PartitionDetail) int {
		return cmp.Compare(len(a.Replicas), len(b.Replicas))
	}).Replicas
	level, have := Warning, plural(len(copies), "copy", "copies")
	if want.copiesAsked {
		level = Wrong
	}
	switch insync := settings["min.insync.replicas"]; {
	case insync > int64(len(copies)):
		p.add(Wrong, w.Topic,
			"%s, and min.insync.replicas is %d: nothing can be written with acks: "+
				"all", have, insync)
	case len(copies) < want.copies && !want.copiesAsked && p.brokers == 1:
		p.add(OK, w.Topic, "%s, on the one broker that there is", have)
	case len(copies) < want.copies:
		p.add(level, w.Topic, "%s: %s %d", have, want.copiesBy, want.copies)
	case insync == int64(len(copies)) && insync > 1:
		p.add(Warning, w.Topic,
			"%d copies, and min.insync.replicas is as many: nothing can be written while a "+
				"broker is away", insync)
	default:
		p.add(OK, w.Topic, "%s", have)
	}
}

func (p *probe) retention(w Wanted, want wish, settings map[string]int64) {
	ms, told := settings[retentionKey]
	is := fromMillis(ms)
	switch {
	case !told:
		p.add(Warning, w.Topic, "retention.ms is not told")
	case is < 0 && want.retention < 0:
		p.add(OK, w.Topic, "kept for ever")
	case is < 0:
		p.add(Warning, w.Topic, "kept for ever: %s %s", want.retentionBy, hours(want.retention))
	case want.retention < 0:
		p.add(Warning, w.Topic, "kept for %s: %s for ever", hours(is), want.retentionBy)
	case is < want.leastKept || is > want.retention:
		p.add(Warning, w.Topic, "kept for %s: %s %s", hours(is), want.retentionBy,
			hours(want.retention))
	default:
		p.add(OK, w.Topic, "kept for %s", hours(is))
	}
}

func (p *probe) sizes(w Wanted, settings map[string]int64) {
	limit, told := settings["max.message.bytes"]
	batch, record := int64(p.cfg.Batching.MaxBytes), int64(p.cfg.Batching.MaxRecordBytes)
	bytes := func(n int64) string { return humanize.Comma(n) }
	switch {
	case !told:
		p.add(Warning, w.Topic, "max.message.bytes is not told")
	case limit < record:
		p.add(Warning, w.Topic,
			"takes %s bytes at once (max.message.bytes): larger records are rejected, and "+
				"batching.max_record_bytes lets %s through",
			bytes(limit), bytes(record))
	case limit < batch:
		p.add(Warning, w.Topic,
			"takes %s bytes at once (max.message.bytes): batches of batching.max_bytes (%s) are "+
				"halved until they fit",
			bytes(limit), bytes(batch))
	default:
		p.add(OK, w.Topic, "takes %s bytes at once", bytes(limit))
	}
}

// plural returns "1 copy" or "2 copies".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
