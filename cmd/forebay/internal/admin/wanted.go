package admin

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// Wanted is a topic, or a pattern of topics, that the settings send to a cluster.
type Wanted struct {
	Cluster  string
	Topic    string // its name there
	Priority routing.Priority
	Fallback bool // only while another cluster is down
}

// Pattern reports whether Topic is a pattern.
func (w Wanted) Pattern() bool { return strings.ContainsAny(w.Topic, `*?[\`) }

// Topics returns the topics of the rules in cfg and in more, each in the cluster of its priority
// and in the fallbacks that take it. cfg must have its defaults filled in.
func Topics(cfg producer.Config, more ...string) ([]Wanted, error) {
	rules, err := routing.NewTable(cfg.Topics)
	if err != nil {
		return nil, err
	}
	var wanted []Wanted
	add := func(topic string, p routing.Priority) {
		settings := prioritySettings(cfg, p)
		if settings.Cluster != "" {
			wanted = append(wanted, Wanted{Cluster: settings.Cluster, Topic: topic, Priority: p})
		}
		for _, f := range settings.Fallbacks {
			// the last two conditions are for patterns
			if f.Takes(topic) || len(f.Topics) == 0 || slices.Contains(f.Topics, topic) {
				wanted = append(wanted, Wanted{Cluster: f.Cluster, Topic: f.Name(topic),
					Priority: p, Fallback: true})
			}
		}
	}
	for _, r := range cfg.Topics {
		add(r.Topic, r.Priority)
	}
	for _, topic := range more {
		add(topic, rules.Priority(topic))
	}
	slices.SortStableFunc(wanted, func(a, b Wanted) int {
		return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(b.Priority, a.Priority))
	})
	return slices.Compact(wanted), nil
}

func prioritySettings(cfg producer.Config, p routing.Priority) producer.PriorityConfig {
	switch p {
	case routing.Low:
		return cfg.Priorities.Low
	case routing.High:
		return cfg.Priorities.High
	}
	return cfg.Priorities.Medium
}

// resolve replaces each pattern in wanted by the existing topics that it matches, except those that
// an earlier rule took. Patterns that match nothing are in none.
func resolve(wanted []Wanted, existing []string) (topics, none []Wanted) {
	taken := make(map[string]bool)
	for _, w := range wanted {
		if !w.Pattern() {
			topics = append(topics, w)
			taken[w.Topic] = true
		}
	}
	for _, w := range wanted {
		if !w.Pattern() {
			continue
		}
		found := false
		for _, topic := range existing {
			// New has checked the pattern
			if ok, _ := path.Match(w.Topic, topic); ok && !taken[topic] {
				taken[topic], found = true, true
				topics = append(topics, Wanted{Cluster: w.Cluster, Topic: topic,
					Priority: w.Priority, Fallback: w.Fallback})
			}
		}
		if !found {
			none = append(none, w)
		}
	}
	return topics, none
}
