package routing

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// Fallback names a cluster for a lane whose earlier clusters are down, the topics that may go
// there, and their names there. It is safe for concurrent use as long as nobody changes it.
type Fallback struct {
	// Cluster is the name of the cluster. Required.
	Cluster string `yaml:"cluster"`

	// Topics are the topics that may go there: names, or patterns such as "playback.*", in the
	// syntax of path.Match. Empty means all. Records of other topics wait for a cluster that takes
	// them.
	Topics []string `yaml:"topics"`

	// Rename gives topics another name there. It wins over Prefix. Empty means none.
	Rename map[string]string `yaml:"rename"`

	// Prefix is put before the names of all other topics there, such as "fallback.". Empty means
	// none.
	Prefix string `yaml:"prefix"`
}

// Check returns all mistakes in f as one error, or nil. Each line begins with at, the path of f
// such as "priorities.low.fallbacks[0]", and names the field. Check does not know whether the
// cluster exists.
func (f Fallback) Check(at string) error {
	var errs []error
	fail := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s%w", at, fmt.Errorf(format, args...)))
	}
	if f.Cluster == "" {
		fail(".cluster: empty: write the name of one of the clusters")
	}
	for i, t := range f.Topics {
		if err := checkPattern(t); err != nil {
			fail(".topics[%d]: %w", i, err)
		} else if slices.Contains(f.Topics[:i], t) {
			fail(".topics[%d]: %q is in the list already: keep one of them", i, t)
		}
	}
	for _, from := range slices.Sorted(maps.Keys(f.Rename)) {
		to := f.Rename[from]
		if why := illegal(from); why != "" {
			fail(".rename: %q %s: write the name of one topic", from, why)
		} else if !f.lists(from) {
			fail(".rename: %q is none of the topics: add it to them, or remove it here", from)
		}
		if why := illegal(to); why != "" {
			fail(".rename.%s: %q %s: write what the topic is called in that cluster", from, to, why)
		}
	}
	if why := illegal(f.Prefix + "x"); why != "" {
		fail(".prefix: %q %s: write the beginning of a topic's name, such as \"fallback.\"",
			f.Prefix, why)
	}
	return errors.Join(errs...)
}

// Takes reports whether records of topic may go to the fallback: whether it is one of Topics, and
// its name there is not too long for Kafka.
func (f Fallback) Takes(topic string) bool {
	return f.lists(topic) && illegal(f.Name(topic)) == ""
}

// Name returns the name of topic in the fallback's cluster.
func (f Fallback) Name(topic string) string {
	if to, ok := f.Rename[topic]; ok {
		return to
	}
	return f.Prefix + topic
}

// SameNames reports whether topics have the same names in the clusters of f and other.
func (f Fallback) SameNames(other Fallback) bool {
	return f.Prefix == other.Prefix && maps.Equal(f.Rename, other.Rename)
}

// lists reports whether topic is one of Topics.
func (f Fallback) lists(topic string) bool {
	return len(f.Topics) == 0 || slices.ContainsFunc(f.Topics, func(pattern string) bool {
		ok, _ := path.Match(pattern, topic) // the pattern was checked by Check
		return ok
	})
}

// illegal returns why Kafka rejects name as the name of a topic, "" if it accepts it.
func illegal(name string) string {
	switch {
	case name == "":
		return "is empty"
	case name == "." || name == "..":
		return "is not a name"
	case len(name) > MaxTopicName:
		return "has more than 249 characters"
	case strings.ContainsFunc(name, IllegalInTopic):
		return "has a character other than letters, digits, '.', '_' and '-'"
	}
	return ""
}

// MaxTopicName is the greatest length of a topic name in Kafka, in characters.
const MaxTopicName = 249

// IllegalInTopic reports whether Kafka rejects r in the name of a topic.
func IllegalInTopic(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' &&
		r != '_' && r != '-'
}
