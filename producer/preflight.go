package producer

import (
	"context"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/internal/probe"
	"github.com/forebay-go/forebay/preflight"
	"github.com/forebay-go/forebay/routing"
)

// Preflight asks the clusters whether records would be delivered with cfg and opts: for a deploy
// check, or an init container. It asks what Producer.Preflight does, and returns when that does.
// Topics are names, or patterns in the syntax of path.Match, which stand for the topics that they
// match. Without topics, those that cfg.Topics names are checked, without its patterns.
//
// The error is that of New: cfg or opts are wrong in themselves, and nothing was asked. What the
// clusters say is in the report; its Err joins the problems.
func (cfg Config) Preflight(ctx context.Context, topics []string, opts ...Option) (preflight.Report,
	error) {
	o := new(options)
	o.apply(opts)
	full, table, err := o.complete(cfg)
	if err != nil {
		return preflight.Report{}, err
	}
	return o.preflight(ctx, &full, full.asked(table, topics)), nil
}

// Preflight asks the clusters whether records would be delivered with the settings in force:
//
//   - Do the brokers answer, by name and where the cluster says they are? Do they accept TLS and
//     SASL? Do they belong to the cluster of ClusterConfig.ClusterID, and offer what is needed?
//   - Does each topic exist, with leaders, or would CreateTopics create it? May it be written to?
//     Are enough replicas in sync for acks: all? Does it take batches and records as large as
//     Batching allows?
//   - May the program get producer IDs, and read how long brokers remember them?
//
// A topic is checked in the cluster of its priority, and in the fallbacks that take it, under its
// name there. Topics are names, or patterns in the syntax of path.Match, which stand for the topics
// that they match. Without topics, those that Config.Topics names are checked, without its
// patterns, and those that the producer has had records for; a topic that was idle for ten minutes
// is forgotten.
//
// Preflight sends no record, and creates and changes no topic. It has connections of its own and
// looks names up anew, so that it does not disturb the producer. It uses the dialer, the resolver,
// the TLS configurations and the credentials of the options, and calls no hooks. It works before
// anything was sent, and after Close.
//
// Preflight asks the clusters side by side. It returns when everything was asked, or when ctx ends:
// then the report has what was found until then, and says what it waited for. A broker that does
// not answer takes a second or, if it has accepted the connection, five. Functions of the
// application that ignore their context are left behind. Preflight is safe for concurrent use.
func (p *Producer) Preflight(ctx context.Context, topics ...string) preflight.Report {
	s := p.setup.Load()
	rules := s.cfg.asked(s.rules, topics)
	if len(topics) == 0 {
		rules = append(rules, s.seen()...)
	}
	return p.options.preflight(ctx, &s.cfg, rules)
}

// seen returns the topics in use, each with the priorities of its records.
func (s *setup) seen() (rules []probe.Rule) {
	for l := range s.eachLane {
		topics, _ := l.Buffer.Topics()
		for _, t := range topics {
			is := s.cfg.entry(s.rules.Match(t.Name()))
			rules = append(rules, s.cfg.ruled(is, t.Name(), l.Priority))
		}
	}
	slices.SortStableFunc(rules, func(a, b probe.Rule) int {
		return strings.Compare(a.Topic, b.Topic)
	})
	return rules
}

// named returns the topics that cfg names, without patterns.
func (cfg *Config) named() (topics []string) {
	for _, t := range cfg.Topics {
		if !probe.IsPattern(t.Topic) {
			topics = append(topics, t.Topic)
		}
	}
	return topics
}

// ruled returns the rule for a topic about which the entry is of Topics decides.
func (cfg *Config) ruled(is TopicConfig, topic string, priority routing.Priority) probe.Rule {
	cfg.fill(&is, priority)
	return probe.Rule{Topic: topic, Priority: priority, Settings: probe.Settings{
		BatchBytes: is.MaxBatchBytes, LeaderAcks: is.Acks == acksLeader}}
}

// asked returns the rules for topics, or without any for those that cfg names.
func (cfg *Config) asked(table *routing.Table, topics []string) (rules []probe.Rule) {
	if len(topics) == 0 {
		topics = cfg.named()
	}
	for _, topic := range topics {
		i := slices.IndexFunc(cfg.Topics, func(t TopicConfig) bool { return t.Topic == topic })
		if i < 0 { // else an earlier pattern might match the text of a pattern
			i = table.Match(topic)
		}
		is := cfg.entry(i)
		rules = append(rules, cfg.ruled(is, topic, is.Priority))
	}
	return rules
}

func (cfg *Config) routes() *probe.Routes {
	routes := new(probe.Routes)
	for _, p := range routing.All {
		pc := cfg.Priorities.of(p)
		routes[p] = probe.Route{Cluster: pc.Cluster, Fallbacks: pc.Fallbacks}
	}
	return routes
}

// preflight asks the clusters of cfg, which is complete, about the topics of rules.
func (o *options) preflight(ctx context.Context, cfg *Config,
	rules []probe.Rule) preflight.Report {
	net := o.network(cfg.Resolver, zap.NewNop())
	if net.names != nil {
		defer net.names.Close()
	}
	wanted := cfg.routes().Topics(rules)
	var clusters []probe.Cluster
	for _, name := range sortedNames(cfg.Clusters) {
		cc := cfg.Clusters[name]
		dial, sasl := net.secured(o, name, &cc)
		clusters = append(clusters, probe.Cluster{
			Name:        name,
			Seeds:       cc.Brokers,
			ID:          cc.ClusterID,
			ClientID:    cfg.ClientID,
			TLS:         cc.TLS.Enabled || o.tls[name] != nil,
			SASL:        cc.SASL.Mechanism,
			Create:      cc.CreateTopics.creation(),
			Wanted:      probe.In(name, wanted),
			Dial:        dial,
			Options:     sasl,
			BatchBytes:  cfg.Batching.MaxBytes,
			RecordBytes: cfg.Batching.MaxRecordBytes,
			LeaderAcks:  cfg.Batching.Acks == acksLeader,
		})
	}
	return probe.Run(ctx, clusters)
}
