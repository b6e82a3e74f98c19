package admin

import (
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/forebay-go/forebay/internal/probe"
	"github.com/forebay-go/forebay/producer"
)

// Choices are what the flags ask of topics. They override the settings and the priorities.
type Choices struct {
	Partitions Choice[int32]
	Copies     Choice[int16]
	Retention  Choice[time.Duration] // negative: forever
}

// wish is what a topic should be like.
type wish struct {
	partitions int32 // -1 for the brokers' default
	copies     int
	retention  time.Duration // negative: forever
	leastKept  time.Duration // the shortest retention that passes
	configs    map[string]string

	copiesBy, retentionBy string // who wants it, with a verb
	copiesAsked           bool   // whether a choice or a setting wants it, not only the priority
}

// wishFor returns what w should be like: by the choices, else by create_topics of its cluster, else
// by its priority.
func wishFor(w Wanted, settings producer.CreateTopicsConfig, choices Choices) wish {
	class, by := classOf(w.Priority), fmt.Sprintf("%v priority recommends", w.Priority)
	s := wish{
		partitions: -1, copies: class.copies,
		retention: class.retention, leastKept: class.leastKept,
		configs: maps.Clone(settings.Configs), copiesBy: by, retentionBy: by,
	}
	if settings.Partitions > 0 {
		s.partitions = settings.Partitions
	}
	if n, ok := choices.Partitions.Of(w.Topic); ok {
		s.partitions = n
	}
	if settings.ReplicationFactor > 0 {
		s.copies, s.copiesAsked = int(settings.ReplicationFactor), true
		s.copiesBy = "create_topics asks for"
	}
	if n, ok := choices.Copies.Of(w.Topic); ok {
		s.copies, s.copiesAsked = int(n), true
		s.copiesBy = "--replication-factor asks for"
	}
	if s.configs == nil {
		s.configs = make(map[string]string)
	}
	if ms, err := strconv.ParseInt(s.configs[retentionKey], 10, 64); err == nil {
		s.retention, s.retentionBy = probe.FromMillis(ms), "create_topics asks for"
		s.leastKept = s.retention
	}
	if kept, ok := choices.Retention.Of(w.Topic); ok {
		s.retention, s.leastKept, s.retentionBy = kept, kept, "--retention asks for"
		delete(s.configs, retentionKey)
	}
	if _, ok := s.configs[retentionKey]; !ok { // the brokers refuse what is not a number
		s.configs[retentionKey] = "-1"
		if s.retention >= 0 {
			s.configs[retentionKey] = strconv.FormatInt(s.retention.Milliseconds(), 10)
		}
	}
	return s
}

// retentionKey is Kafka's name for the retention, in milliseconds; -1 means forever.
const retentionKey = "retention.ms"

// request returns the settings in the form that kadm sends.
func (s wish) request() map[string]*string {
	configs := make(map[string]*string, len(s.configs))
	for key, value := range s.configs {
		configs[key] = kadm.StringPtr(value)
	}
	return configs
}

// String returns the wish in words, without partitions.
func (s wish) String() string {
	return plural(s.copies, "replica", "replicas") + ", retention " + kept(s.retention)
}

// kept returns a retention in words.
func kept(d time.Duration) string {
	if d < 0 {
		return "forever"
	}
	return hours(d)
}
