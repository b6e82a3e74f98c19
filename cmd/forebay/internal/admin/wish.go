package admin

import (
	"fmt"
	"maps"
	"math"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/forebay-go/forebay/producer"
)

// Choices are what somebody wants of topics, whatever the settings and the priorities say.
type Choices struct {
	Partitions Choice[int32]
	Copies     Choice[int16]
	Retention  Choice[time.Duration] // negative: for ever
}

// wish is what a topic is to be like.
type wish struct {
	partitions int32 // -1 for as many as the brokers make
	copies     int
	retention  time.Duration // negative: for ever
	leastKept  time.Duration // that passes for it
	configs    map[string]string

	copiesBy, retentionBy string // whose wish that is
	copiesAsked           bool   // by a choice or a setting, not only by the priority
}

// wishFor returns what w is to be like in a cluster: by the choices, or else as create_topics of
// the cluster says, or else as its priority asks.
func wishFor(w Wanted, settings producer.CreateTopicsConfig, choices Choices) wish {
	class, by := classOf(w.Priority), fmt.Sprintf("%v priority has", w.Priority)
	s := wish{
		partitions: -1, copies: class.copies, retention: class.retention, leastKept: class.leastKept,
		configs: maps.Clone(settings.Configs), copiesBy: by, retentionBy: by,
	}
	if settings.Partitions > 0 {
		s.partitions = settings.Partitions
	}
	if n, ok := choices.Partitions.Of(w.Topic); ok {
		s.partitions = n
	}
	if settings.ReplicationFactor > 0 {
		s.copies, s.copiesBy, s.copiesAsked = int(settings.ReplicationFactor), "create_topics "+
			"says", true
	}
	if n, ok := choices.Copies.Of(w.Topic); ok {
		s.copies, s.copiesBy, s.copiesAsked = int(n), "--replication-factor says", true
	}
	if s.configs == nil {
		s.configs = make(map[string]string)
	}
	if ms, err := strconv.ParseInt(s.configs[retentionKey], 10, 64); err == nil {
		s.retention, s.retentionBy = fromMillis(ms), "create_topics says"
		s.leastKept = s.retention
	}
	if kept, ok := choices.Retention.Of(w.Topic); ok {
		s.retention, s.leastKept, s.retentionBy = kept, kept, "--retention says"
		delete(s.configs, retentionKey)
	}
	if _, ok := s.configs[retentionKey]; !ok { // what is no number is the brokers' to refuse
		s.configs[retentionKey] = "-1"
		if s.retention >= 0 {
			s.configs[retentionKey] = strconv.FormatInt(s.retention.Milliseconds(), 10)
		}
	}
	return s
}

// retentionKey is what Kafka calls how long records are kept, in milliseconds; -1 is for ever.
const retentionKey = "retention.ms"

// fromMillis returns the time that a value of retention.ms means: negative if it is for ever, or
// for centuries.
func fromMillis(ms int64) time.Duration {
	if ms < 0 || ms > math.MaxInt64/int64(time.Millisecond) {
		return -1
	}
	return time.Duration(ms) * time.Millisecond
}

// request returns the settings as they are sent.
func (s wish) request() map[string]*string {
	configs := make(map[string]*string, len(s.configs))
	for key, value := range s.configs {
		configs[key] = kadm.StringPtr(value)
	}
	return configs
}

// String returns the wish in words, without partitions.
func (s wish) String() string {
	return plural(s.copies, "copy", "copies") + ", " + kept(s.retention)
}

// kept says how long records are kept.
func kept(d time.Duration) string {
	if d < 0 {
		return "for ever"
	}
	return hours(d)
}
