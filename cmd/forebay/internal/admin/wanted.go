package admin

import (
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
	for _, r := range cfg.Rules() {
		rules = append(rules, probe.Rule{Topic: r.Topic, Priority: r.Priority})
	}
	for _, topic := range more {
		rules = append(rules, probe.Rule{Topic: topic, Priority: table.Priority(topic)})
	}
	return routes.Topics(rules), nil
}
