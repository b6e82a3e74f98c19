package probe

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/forebay-go/forebay/routing"
)

// Wanted is a topic, or a pattern of topics, that the settings send to a cluster.
type Wanted struct {
	Cluster  string
	Topic    string // its name there
	Priority routing.Priority
	Fallback bool // only while another cluster is down
	Settings
}

// Settings are those of a topic that a check looks at.
type Settings struct {
	BatchBytes int // the size of a full batch
	LeaderAcks bool
}

// Rule is a topic, or a pattern of topics, with the priority of its records.
type Rule struct {
	Topic    string
	Priority routing.Priority
	Settings
}

// Pattern reports whether Topic is a pattern.
func (w Wanted) Pattern() bool { return IsPattern(w.Topic) }

// IsPattern reports whether topic is a pattern of topics, and not a name.
func IsPattern(topic string) bool { return strings.ContainsAny(topic, `*?[\`) }

// Route says where the records of a priority go.
type Route struct {
	Cluster   string // empty: nowhere
	Fallbacks []routing.Fallback
}

// Routes are those of all priorities, by priority.
type Routes [routing.High + 1]Route

// Topics returns where the topics, or patterns, of rules go: to the cluster of their priority, and
// to the fallbacks that take them.
func (r *Routes) Topics(rules []Rule) []Wanted {
	var wanted []Wanted
	for _, rule := range rules {
		route := r[rule.Priority]
		if route.Cluster != "" {
			wanted = append(wanted, Wanted{Cluster: route.Cluster, Topic: rule.Topic,
				Priority: rule.Priority, Settings: rule.Settings})
		}
		for _, f := range route.Fallbacks {
			// the last two conditions are for patterns
			if f.Takes(rule.Topic) || len(f.Topics) == 0 || slices.Contains(f.Topics, rule.Topic) {
				wanted = append(wanted, Wanted{Cluster: f.Cluster, Topic: f.Name(rule.Topic),
					Priority: rule.Priority, Fallback: true, Settings: rule.Settings})
			}
		}
	}
	slices.SortStableFunc(wanted, func(a, b Wanted) int {
		return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(b.Priority, a.Priority))
	})
	return unique(wanted)
}

// In returns what of wanted is in the cluster of that name.
func In(cluster string, wanted []Wanted) []Wanted {
	return slices.DeleteFunc(slices.Clone(wanted),
		func(w Wanted) bool { return w.Cluster != cluster })
}

// unique returns wanted without what is in it already.
func unique(wanted []Wanted) []Wanted {
	seen := make(map[Wanted]bool)
	return slices.DeleteFunc(wanted, func(w Wanted) bool {
		was := seen[w]
		seen[w] = true
		return was
	})
}

// Resolve replaces each pattern in wanted by the existing topics that it matches, except those that
// an earlier rule took. Patterns that match nothing are in none.
func Resolve(wanted []Wanted, existing []string) (topics, none []Wanted) {
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
			// a pattern that is wrong matches nothing
			if ok, _ := path.Match(w.Topic, topic); ok && !taken[topic] {
				taken[topic], found = true, true
				is := w
				is.Topic = topic
				topics = append(topics, is)
			}
		}
		if !found {
			none = append(none, w)
		}
	}
	return topics, none
}
