package producer

import (
	"time"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/routing"
)

// TopicConfig holds the settings of the topics that have a name, or that match a pattern. Where an
// entry sets nothing, the settings for all topics apply.
//
// Only one entry applies to a topic: others that match it too have no effect. If a record names a
// priority itself, the other settings of the entry still apply.
type TopicConfig struct {
	// Topic is the name of a topic, or a pattern such as "playback.*", in the syntax of path.Match.
	// Required. New rejects a name that has an entry already, and an entry that sets nothing else.
	Topic string `yaml:"topic"`

	// Priority is the priority of records for these topics that name none themselves. Empty means
	// "medium". New rejects an empty one if the topics would have another priority without this
	// entry, from a pattern of another entry.
	Priority routing.Priority `yaml:"priority"`

	// MaxShare bounds the memory of each of these topics, as a part of what its priority may hold,
	// such as 0.25. Zero means no bound. New rejects values below 0 and above 1.
	MaxShare float64 `yaml:"max_share"`

	// Linger is how long a batch of these topics waits for more records before it is sent. It goes
	// earlier if it is full, or if a batch of a topic with the same or a longer linger goes to the
	// same broker. Batching.MaxLinger does not make it longer. A linger is never longer than a
	// sixteenth of the delivery timeout; New logs a warning if it would be. Zero means
	// Batching.Linger. NoLinger (-1) sends at once; in a file or a variable, write 0. New rejects
	// more than 1 minute.
	Linger time.Duration `yaml:"linger"`

	// DeliveryTimeout is the time that a record of these topics may take from Send to Kafka's
	// acknowledgement, as in PriorityConfig. Zero means the delivery timeout of the priority. New
	// rejects less than 1 s and more than 365 days.
	DeliveryTimeout time.Duration `yaml:"delivery_timeout"`

	// MaxBatchBytes is the size at which a batch of these topics is full, in bytes, as
	// Batching.MaxBytes. Set it to less than max.message.bytes of the topic. Zero means
	// Batching.MaxBytes. New rejects less than 1 KiB, more than 16 MiB, and more than a quarter of
	// Buffer.MaxBytes.
	MaxBatchBytes int `yaml:"max_batch_bytes"`

	// Compression is "none", "gzip", "snappy", "lz4" or "zstd", in any case. Empty means
	// Batching.Compression. New rejects other values.
	Compression string `yaml:"compression"`

	// CompressionLevel is a level of the compression, as Batching.CompressionLevel. Zero means
	// Batching.CompressionLevel, or the default of the compression if it is another one than
	// Batching.Compression. New rejects the same values as there.
	CompressionLevel int `yaml:"compression_level"`

	// Acks is "all" or "leader", as Batching.Acks. A request has one acks, so topics with different
	// ones never share a request. Empty means Batching.Acks. New rejects the same values as there.
	Acks string `yaml:"acks"`
}

// setsNothing reports whether c has nothing but a name.
func (c *TopicConfig) setsNothing() bool { return *c == TopicConfig{Topic: c.Topic} }

// rulesOnly reports whether c leaves to its topics all that their priority and Batching say.
func (c *TopicConfig) rulesOnly() bool {
	return *c == TopicConfig{Topic: c.Topic, Priority: c.Priority, MaxShare: c.MaxShare}
}

// Rules returns the routing rules in Topics, in their order, for routing.NewTable. An entry without
// a priority gives medium.
func (cfg Config) Rules() []routing.Rule {
	rules := make([]routing.Rule, len(cfg.Topics))
	for i, t := range cfg.Topics {
		if !t.setsNothing() { // else the table asks for a priority
			defaultTo(&t.Priority, routing.Medium)
		}
		rules[i] = routing.Rule{Topic: t.Topic, Priority: t.Priority, MaxShare: t.MaxShare}
	}
	return rules
}

// Topic returns all that applies to records for a topic that name no priority: what the entry of
// Topics says that decides about it, and for the rest what Batching and the priority say. Topic of
// the result is the name. The error is that of New.
func (cfg Config) Topic(name string) (TopicConfig, error) {
	full, rules, err := new(options).complete(cfg)
	if err != nil {
		return TopicConfig{}, err
	}
	is := full.entry(rules.Match(name))
	is.Topic = name
	full.fill(&is, is.Priority)
	if is.Linger == 0 {
		is.Linger = NoLinger
	}
	return is, nil
}

// entry returns entry i of Topics; -1: what topics without one have.
func (cfg *Config) entry(i int) TopicConfig {
	if i < 0 {
		return TopicConfig{Priority: routing.Medium}
	}
	return cfg.Topics[i]
}

// fill fills in what c leaves to Batching and to a priority. A Linger of zero means none then. Cfg
// is complete.
func (cfg *Config) fill(c *TopicConfig, priority routing.Priority) {
	b := &cfg.Batching
	defaultTo(&c.DeliveryTimeout, cfg.Priorities.of(priority).DeliveryTimeout)
	defaultTo(&c.Linger, b.Linger)
	c.Linger = min(max(c.Linger, 0), c.DeliveryTimeout/16)
	defaultTo(&c.MaxBatchBytes, b.MaxBytes)
	defaultTo(&c.Acks, b.Acks)
	defaultTo(&c.Compression, b.Compression)
	if c.Compression == b.Compression {
		defaultTo(&c.CompressionLevel, b.CompressionLevel)
	}
}

// own returns the settings of the topics of c in the lane of a priority, whole; nil if they have
// those of the lane.
func (s *setup) own(c TopicConfig, priority routing.Priority) *buffer.Own {
	if c.rulesOnly() {
		return nil
	}
	var most time.Duration
	if c.Linger == 0 {
		most = s.cfg.Batching.MaxLinger
	}
	s.cfg.fill(&c, priority)
	return &buffer.Own{
		Linger:          c.Linger,
		MaxLinger:       min(most, c.DeliveryTimeout/16),
		DeliveryTimeout: c.DeliveryTimeout,
		BatchBytes:      c.MaxBatchBytes,
		Codec:           s.codecs[compression{c.Compression, c.CompressionLevel}],
		LeaderAcks:      c.Acks == acksLeader,
	}
}

// ownOf returns what topics in the lane of a priority have instead of the lane's, by their names;
// nil if none has anything.
func (s *setup) ownOf(priority routing.Priority) func(topic string) *buffer.Own {
	all, any := make([]*buffer.Own, len(s.cfg.Topics)), false
	for i, c := range s.cfg.Topics {
		all[i] = s.own(c, priority)
		any = any || all[i] != nil
	}
	if !any {
		return nil
	}
	return func(topic string) *buffer.Own {
		if i := s.rules.Match(topic); i >= 0 {
			return all[i]
		}
		return nil
	}
}

// compression is a codec and its level.
type compression struct {
	name  string
	level int
}

// compression returns that of topics that have none of their own.
func (cfg *Config) compression() compression {
	return compression{cfg.Batching.Compression, cfg.Batching.CompressionLevel}
}

// compressions yields those that cfg, which is complete, asks for.
func (cfg *Config) compressions(yield func(compression) bool) {
	if !yield(cfg.compression()) {
		return
	}
	for _, c := range cfg.Topics {
		cfg.fill(&c, c.Priority)
		if !yield(compression{c.Compression, c.CompressionLevel}) {
			return
		}
	}
}
