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
	return o.preflight(ctx, &full, full.wanted(table, topics)), nil
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
	wanted := s.cfg.wanted(s.rules, topics)
	if len(topics) == 0 {
		wanted = s.cfg.routes().Topics(append(s.cfg.named(), s.seen()...))
	}
	return p.options.preflight(ctx, &s.cfg, wanted)
}

// seen returns the topics in use, each with the priorities of its records.
func (s *setup) seen() (rules []probe.Rule) {
	for l := range s.eachLane {
		topics, _ := l.Buffer.Topics()
		for _, t := range topics {
			rules = append(rules, s.cfg.ruled(s.rules.Match(t.Name()), t.Name(), l.Priority))
		}
	}
	slices.SortStableFunc(rules, func(a, b probe.Rule) int {
		return strings.Compare(a.Topic, b.Topic)
	})
	return rules
}

// named returns the topics that cfg names, without patterns.
func (cfg *Config) named() (rules []probe.Rule) {
	for i, r := range cfg.Rules() {
		if !(probe.Wanted{Topic: r.Topic}).Pattern() {
			rules = append(rules, cfg.ruled(i, r.Topic, r.Priority))
		}
	}
	return rules
}

// ruled returns the rule for a topic about which an entry of Topics decides; -1: none.
func (cfg *Config) ruled(entry int, topic string, priority routing.Priority) probe.Rule {
	var is TopicConfig
	if entry >= 0 {
		is = cfg.Topics[entry]
	}
	cfg.fill(&is, priority)
	return probe.Rule{Topic: topic, Priority: priority, Settings: probe.Settings{
		BatchBytes: is.MaxBatchBytes, LeaderAcks: is.Acks == acksLeader}}
}

// wanted returns where topics go, or without any those that cfg names.
func (cfg *Config) wanted(table *routing.Table, topics []string) []probe.Wanted {
	if len(topics) == 0 {
		return cfg.routes().Topics(cfg.named())
	}
	var rules []probe.Rule
	for _, topic := range topics {
		entry, priority := table.Match(topic), table.Priority(topic)
		for i, r := range cfg.Rules() { // an earlier pattern may match the text of a pattern
			if r.Topic == topic && r.Priority.Valid() {
				entry, priority = i, r.Priority
			}
		}
		rules = append(rules, cfg.ruled(entry, topic, priority))
	}
	return cfg.routes().Topics(rules)
}

func (cfg *Config) routes() *probe.Routes {
	routes := new(probe.Routes)
	for _, p := range routing.All {
		pc := cfg.Priorities.of(p)
		routes[p] = probe.Route{Cluster: pc.Cluster, Fallbacks: pc.Fallbacks}
	}
	return routes
}

// preflight asks the clusters of cfg, which is complete.
func (o *options) preflight(ctx context.Context, cfg *Config,
	wanted []probe.Wanted) preflight.Report {
	net := o.network(cfg.Resolver, zap.NewNop())
	if net.names != nil {
		defer net.names.Close()
	}
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
