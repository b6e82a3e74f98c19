package admin

import (
	"cmp"

	"github.com/forebay-go/forebay/internal/probe"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// Wanted is a topic, or a pattern of topics, that the settings send to a cluster.
type Wanted = probe.Wanted

// Topics returns the topics of the rules in cfg and in more, each in the cluster of its priority
// and in the fallbacks that take it. cfg must have its defaults filled in.
func Topics(cfg producer.Config, more ...string) ([]Wanted, error) {
	table, err := routing.NewTable(cfg.Rules())
	if err != nil {
		return nil, err
	}
	p := cfg.Priorities
	var routes probe.Routes
	for priority, pc := range map[routing.Priority]producer.PriorityConfig{
		routing.Low: p.Low, routing.Medium: p.Medium, routing.High: p.High,
	} {
		routes[priority] = probe.Route{Cluster: pc.Cluster, Fallbacks: pc.Fallbacks}
	}
	var rules []probe.Rule
	add := func(topic string, priority routing.Priority, entry int) { // in cfg.Topics; -1: none
		acks := cfg.Batching.Acks
		if entry >= 0 {
			acks = cmp.Or(cfg.Topics[entry].Acks, acks)
		}
		rules = append(rules, probe.Rule{Topic: topic, Priority: priority,
			Settings: probe.Settings{LeaderAcks: acks == "leader"}})
	}
	for i, r := range cfg.Rules() {
		add(r.Topic, r.Priority, i)
	}
	for _, topic := range more {
		add(topic, table.Priority(topic), table.Match(topic))
	}
	return routes.Topics(rules), nil
}
