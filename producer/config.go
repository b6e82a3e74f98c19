package producer

import (
	"maps"
	"slices"
	"time"

	"github.com/forebay-go/forebay/internal/cluster"
	"github.com/forebay-go/forebay/internal/dispatch"
	"github.com/forebay-go/forebay/internal/gate"
	"github.com/forebay-go/forebay/routing"
)

// Config is everything about a producer that a file or the environment may carry. Zero fields mean
// the defaults that they name, so a config with one cluster and its brokers is complete. New copies
// it.
type Config struct {
	// ClientID is what brokers see in their logs and quotas. Empty means "forebay".
	ClientID string `yaml:"client_id"`

	// Rack is the zone that the program runs in, by the name that brokers of all clusters have for
	// it in broker.rack. Batches of records without keys then go to partitions whose leaders are in
	// it, as long as those that can be written to are at least half of the zone's fair share, and
	// take a batch within a second. Empty means that all leaders are alike.
	Rack string `yaml:"rack"`

	// Clusters are the Kafka clusters, by a name of your choice. At least one is needed.
	Clusters map[string]ClusterConfig `yaml:"clusters"`

	// Priorities says what each priority is worth and where it goes.
	Priorities PrioritiesConfig `yaml:"priorities"`

	// Topics gives the records of some topics a priority. The exact name goes before patterns, an
	// earlier pattern before a later one. Records of other topics are of medium priority. A
	// record's own priority goes before all of this.
	Topics []routing.Rule `yaml:"topics"`

	Buffer   BufferConfig   `yaml:"buffer"`
	Batching BatchingConfig `yaml:"batching"`
	Reports  ReportsConfig  `yaml:"reports"`
	Resolver ResolverConfig `yaml:"resolver"`
}

// ClusterConfig names a Kafka cluster.
type ClusterConfig struct {
	// Brokers are some of the cluster's brokers, as host:port; the rest is found through them. New
	// does not look them up. It rejects an empty list, and what is not host:port once white space
	// around it is trimmed.
	Brokers []string `yaml:"brokers"`

	// ClusterID is the ID of the cluster, as "kafka-cluster.sh cluster-id" shows it: nothing is
	// written where brokers tell another one. Empty means that of the first that answers. Where
	// another Kafka answers under the name of a broker, that broker is not used; where all do, the
	// cluster is Down with both IDs in the reason, and what waits stays. Brokers that tell no ID
	// are taken as they are. New rejects white space.
	ClusterID string `yaml:"cluster_id"`

	// ProducerIDExpiration is how long the brokers remember a producer: their
	// producer.id.expiration.ms. The brokers are asked for it, which takes the right to
	// DescribeConfigs on the cluster; this value counts where they do not answer. Half of the time
	// is relied on: an unanswered batch with older records counts as maybe duplicated when it is
	// sent again. Zero means 24 h, Kafka's default. New rejects negative values.
	ProducerIDExpiration time.Duration `yaml:"producer_id_expiration"`

	// CreateTopics has topics made that are not there when a record for them comes. Without it they
	// are waited for.
	CreateTopics CreateTopicsConfig `yaml:"create_topics"`

	TLS  TLSConfig  `yaml:"tls"`
	SASL SASLConfig `yaml:"sasl"`
}

// CreateTopicsConfig says how topics are created: by the producer if Enabled is set, and by
// "forebay topics apply". If the brokers refuse, the producer tries again every second at first,
// then twice a minute; the records wait, and Stats says why.
type CreateTopicsConfig struct {
	// Enabled has the producer create missing topics. If it is false, the other fields apply to
	// "forebay topics apply" only. The brokers' own auto.create.topics.enable is never used.
	Enabled bool `yaml:"enabled"`

	// Partitions is how many they get. Zero means as many as the brokers' num.partitions says. New
	// rejects negative values.
	Partitions int32 `yaml:"partitions"`

	// ReplicationFactor is how many brokers hold each partition. Zero means the brokers'
	// default.replication.factor, and for "forebay topics apply" 3 for high priority and 2 for the
	// others. New rejects negative values.
	ReplicationFactor int16 `yaml:"replication_factor"`

	// Configs are settings of the topics, such as "retention.ms", that differ from the brokers'
	// defaults. Without "retention.ms", "forebay topics apply" keeps topics of high priority for
	// 24 h, of medium for 4 h and of low for 2 h.
	Configs map[string]string `yaml:"configs"`
}

// creation returns what the cluster is told of it, nil if no topics are to be made.
func (c CreateTopicsConfig) creation() *cluster.Creation {
	if !c.Enabled {
		return nil
	}
	defaultTo(&c.Partitions, -1)
	defaultTo(&c.ReplicationFactor, -1)
	configs := make(map[string]*string, len(c.Configs))
	for key, value := range c.Configs {
		configs[key] = &value
	}
	return &cluster.Creation{Partitions: c.Partitions, Replication: c.ReplicationFactor,
		Configs: configs}
}

// PrioritiesConfig holds the settings of the three priorities.
type PrioritiesConfig struct {
	Low    PriorityConfig `yaml:"low"`
	Medium PriorityConfig `yaml:"medium"`
	High   PriorityConfig `yaml:"high"`
}

// PriorityConfig holds the settings of one priority.
type PriorityConfig struct {
	// Cluster is the name of the cluster that records of this priority go to. Empty means the
	// cluster with the name of the priority ("low", "medium", "high"), or else the only cluster
	// there is. If neither exists, Send returns ErrNoRoute. New rejects an unknown name. It also
	// rejects a priority without a cluster if a rule of Topics names that priority, or if it is
	// medium, unless a rule for "*" gives all other topics a priority.
	Cluster string `yaml:"cluster"`

	// DeliveryTimeout is how long a record may take from Send to Kafka's acknowledgement, by the
	// monotonic clock. At its end it expires, or is possibly persisted if it was written and not
	// answered; at most a sixteenth early, never late. Zero means 2 minutes for low, 10 minutes for
	// medium, 1 hour for high. New rejects less than 1 s and more than 365 days.
	DeliveryTimeout time.Duration `yaml:"delivery_timeout"`

	// MoveUnresolvedAfter is how long a batch of un-keyed records that was written and not answered
	// waits for its partition to have a leader again, before it is written elsewhere and its
	// records count as maybe duplicated. Zero means 2 s for low, 10 s for medium and never for
	// high. Never (-1) means never. New rejects other negative values and more than 365 days.
	MoveUnresolvedAfter time.Duration `yaml:"move_unresolved_after"`

	// WireShare is the part of a broker's rate that records of this priority keep while ready
	// batches of higher ones wait for that broker to answer, from 0 to 0.5. While none do, and
	// while they get no answer at all, nothing is held back. Of what several lower priorities keep,
	// the lowest has its share of all, the next its share of the rest. Zero means 0.05 for low and
	// 0.2 for medium; high has no use for it.
	WireShare float64 `yaml:"wire_share"`

	// GuaranteedShare is the part of Buffer.MaxBytes that higher priorities leave to this one, from
	// its first record on. What it does not use of it is lent to lower priorities. A guarantee
	// below two batches is of little use: memory is taken and given up by the batch. Zero means
	// 1/16 for low and medium, or CeilingShare if that is less, and none for high, from which
	// nobody takes. NoGuarantee (-1) means none. New rejects other negative values, more than
	// CeilingShare, and guarantees that are more than 1 together.
	GuaranteedShare float64 `yaml:"guaranteed_share"`

	// CeilingShare is the part of Buffer.MaxBytes that this priority never exceeds, whether others
	// want room or not. Zero means 1: all of it. New rejects negative values and more than 1.
	CeilingShare float64 `yaml:"ceiling_share"`

	// WhenFull says what a Send of this priority does for which there is no room, when lower
	// priorities have none left to give up: "refuse" its record with ErrBufferFull, or
	// "drop_oldest": accept it, and shed the oldest batch of this priority that waits. Empty means
	// "refuse".
	WhenFull string `yaml:"when_full"`

	// Fallbacks are the clusters that records of this priority go to while Cluster is down, in the
	// order in which they are tried. New rejects a cluster that is not there, and one that is named
	// twice.
	//
	// What waits moves with its priority: un-keyed batches as they are, keyed ones dealt out anew
	// if the topic has another number of partitions there. What was written and not answered stays
	// where it was written and is sent there again when the cluster is back; un-keyed batches of it
	// move after MoveUnresolvedAfter, and count as maybe duplicated. The order of a key holds
	// within a cluster, not across a switch.
	Fallbacks []routing.Fallback `yaml:"fallbacks"`

	// FallbackAfter is how long the cluster in use has to be down before the next one is used:
	// nothing of it answered, and it acknowledged nothing. Zero means 5 s. New rejects negative
	// values and more than 365 days.
	FallbackAfter time.Duration `yaml:"fallback_after"`

	// ReturnAfter is how long a cluster that is earlier in the order has to be well before it is
	// used again. Zero means 30 s. New rejects negative values and more than 365 days.
	ReturnAfter time.Duration `yaml:"return_after"`

	// SwitchEvery is how far apart switches are at least, so that clusters that come and go do not
	// drag records to and fro. Only a fallback that fails is left at once, for a cluster that is
	// well. Zero means 1 minute. New rejects negative values and more than 365 days.
	SwitchEvery time.Duration `yaml:"switch_every"`
}

func (c *PrioritiesConfig) wireShares() (shares gate.Shares) {
	for _, p := range routing.All {
		shares[p] = c.of(p).WireShare
	}
	return shares
}

// NoGuarantee is a GuaranteedShare of nothing.
const NoGuarantee = -1

// The values of WhenFull.
const (
	refuseNewest = "refuse"
	dropOldest   = "drop_oldest"
)

// Never (-1) is a time that does not come. It is the only such value: New rejects a time that is
// merely very long.
const Never = dispatch.Never

// longest bounds every setting that is a time. Sums of such times, and of one and the age of a
// process, are far from overflowing.
const longest = 365 * 24 * time.Hour

// NoLinger makes batches ready as soon as they have a record.
const NoLinger = time.Duration(-1)

// BufferConfig bounds what waits in memory.
type BufferConfig struct {
	// MaxBytes bounds the memory held for records that Kafka has not acknowledged, in bytes, by
	// capacity: batches open, waiting and in flight, the tables of topics, and delivery reports
	// that were not read. All priorities share it. At the bound a Send has lower priorities shed
	// what waits longest, down to their guarantees; where they have no more it returns
	// ErrBufferFull, never waiting (see PriorityConfig). Zero means 64 MiB. New rejects less than
	// 1 MiB, less than four times Batching.MaxBytes, and less than Batching.MaxRecordBytes. Where
	// the process has a memory limit (GOMEMLIMIT) below 1.25 times this, New logs a warning. When
	// the partitions of a topic become known or change, its keyed records are dealt out to them;
	// that may take a sixty-fourth more than the bound, if they could not be delivered otherwise.
	MaxBytes int64 `yaml:"max_bytes"`

	// MaxTopics bounds the topics of each priority that are in use at a time. Above it Send returns
	// ErrTooManyTopics for a new one; a topic without a record for ten minutes makes room. Zero
	// means 10,000. New rejects negative values.
	MaxTopics int `yaml:"max_topics"`
}

// BatchingConfig says how records become batches.
type BatchingConfig struct {
	// Linger is how long a batch waits for more records before it is sent, if it is not full
	// earlier. One of records without keys waits up to as long again where a request has just gone
	// to a broker that leads no partition of its topic, so that topics share their requests. Zero
	// means 10 ms. NoLinger (-1) sends at once; a file or a variable may say 0 for it. New rejects
	// more than 1 minute.
	Linger time.Duration `yaml:"linger"`

	// MaxBytes is the size at which a batch is full, in bytes, before compression. Zero means
	// 1,000,000, or a quarter of Buffer.MaxBytes if that is less. New rejects less than 1 KiB and
	// more than 16 MiB. It should stay below the brokers' message.max.bytes (1,048,588 by default),
	// above which batches are halved until they fit.
	MaxBytes int `yaml:"max_bytes"`

	// MaxRecordBytes is the size above which Send refuses a record with ErrRecordTooLarge, in
	// bytes, with key, value, headers and framing. A record larger than MaxBytes is alone in its
	// batch. Zero means 1,000,000. New rejects negative values and more than 64 MiB.
	MaxRecordBytes int `yaml:"max_record_bytes"`

	// Compression is "none", "gzip", "snappy", "lz4" or "zstd", in any case. Empty means "none". A
	// batch is compressed once, off Send's path, and waits compressed.
	Compression string `yaml:"compression"`

	// Partitioner is how batches of records without keys find their partitions: "sticky", wherever
	// a broker is free, and there the partition that was used longest ago; or "round_robin", an
	// equal number of batches to each that can be written to. Empty means "sticky". Partitions of
	// keys are the Java client's with both. See WithPartitioner for one of your own.
	Partitioner string `yaml:"partitioner"`

	// Acks says who must have a record before it counts as delivered: "all" in-sync replicas, or
	// the "leader" alone, which loses records when a leader dies and cannot find duplicates. "-1"
	// and "1" mean the same. Empty means "all". There is no "none": delivered would mean written to
	// a socket.
	Acks string `yaml:"acks"`
}

// ReportsConfig bounds the delivery reports; see WithDelivery.
type ReportsConfig struct {
	// MaxBytes bounds the memory of reports that the callback has not taken yet, in bytes, within
	// Buffer.MaxBytes. Beyond it the newest reports are dropped and counted in
	// Stats().ReportsDropped, those of lower priorities first. Close lifts this bound: what it
	// gives up at its deadline is all reported. Zero means half of Buffer.MaxBytes. New rejects
	// negative values.
	MaxBytes int64 `yaml:"max_bytes"`
}

// ResolverConfig says how long it is remembered what the names of brokers mean, those in Brokers
// and those that clusters name. A look-up that fails, or is slow, costs nothing where there is an
// older answer: that is then used. Neither an error nor an empty answer erases it.
type ResolverConfig struct {
	// RefreshEvery is how often a name is looked up again while it is in use. One that was idle is
	// looked up when it is dialled, and so is one at which a connection has just failed. Zero means
	// 30 s. New rejects less than 1 s and more than 365 days.
	RefreshEvery time.Duration `yaml:"refresh_every"`

	// StaleFor is how old an answer may be that is used. Zero means 24 h. New rejects less than
	// RefreshEvery and more than 365 days.
	StaleFor time.Duration `yaml:"stale_for"`
}

// clone returns a copy of c that shares no memory with it.
func (c Config) clone() Config {
	c.Clusters = maps.Clone(c.Clusters)
	for name, cc := range c.Clusters {
		cc.Brokers, cc.CreateTopics.Configs = slices.Clone(cc.Brokers), maps.Clone(cc.CreateTopics.Configs)
		c.Clusters[name] = cc
	}
	for _, p := range routing.All {
		pc := c.Priorities.of(p)
		pc.Fallbacks = slices.Clone(pc.Fallbacks)
		for i, f := range pc.Fallbacks {
			pc.Fallbacks[i].Topics, pc.Fallbacks[i].Rename = slices.Clone(f.Topics), maps.Clone(f.Rename)
		}
	}
	c.Topics = slices.Clone(c.Topics)
	return c
}
