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

// Config holds every setting of a producer that a file or the environment may carry. A zero field
// means its default, so a Config with one cluster and its brokers is complete. New copies it.
// docs/settings.md lists all settings.
type Config struct {
	// ClientID is the name that brokers use for this program in their logs and quotas. Empty means
	// "forebay".
	ClientID string `yaml:"client_id"`

	// Rack is the zone in which the program runs, as broker.rack of the brokers names it. Batches
	// of records without keys then keep to partitions with leaders in that zone, while enough of
	// them take batches. A batch that has waited for a second goes to any zone. Empty means that
	// zones do not matter.
	Rack string `yaml:"rack"`

	// Clusters are the Kafka clusters, by a name of your choice. At least one is required.
	Clusters map[string]ClusterConfig `yaml:"clusters"`

	// Priorities says where the records of each priority go, and what memory they get.
	Priorities PrioritiesConfig `yaml:"priorities"`

	// Topics gives topics a priority, for records that name none, and settings of their own. An
	// exact name wins over a pattern, and an earlier pattern over a later one. Empty means that all
	// topics are of medium priority.
	Topics []TopicConfig `yaml:"topics"`

	Buffer   BufferConfig   `yaml:"buffer"`
	Batching BatchingConfig `yaml:"batching"`
	Reports  ReportsConfig  `yaml:"reports"`
	Resolver ResolverConfig `yaml:"resolver"`
}

// ClusterConfig describes a Kafka cluster.
type ClusterConfig struct {
	// Brokers are some of the cluster's brokers, as host:port. The others are found through them.
	// Required. New does not look them up. It rejects an empty list, and an entry that is not
	// host:port.
	Brokers []string `yaml:"brokers"`

	// ClusterID is the ID that the brokers must report, as "kafka-cluster.sh cluster-id" prints it.
	// Nothing is written to a broker that reports another ID. If all brokers do, the cluster is
	// Down with both IDs in its reason, and records wait. Brokers that report no ID are used. Empty
	// means the ID of the first broker that answers. New rejects white space.
	ClusterID string `yaml:"cluster_id"`

	// ProducerIDExpiration is how long the brokers remember a producer (producer.id.expiration.ms).
	// Forebay asks the brokers, which requires the right to DescribeConfigs on the cluster; this
	// value applies if they do not answer. Forebay relies on half of it: an unanswered batch with
	// older records counts as maybe duplicated when it is sent again. Zero means 24 h, Kafka's
	// default. New rejects negative values.
	ProducerIDExpiration time.Duration `yaml:"producer_id_expiration"`

	// MaxBrokers is the number of brokers that a producer sends un-keyed records to, so that a
	// large fleet needs fewer connections. Producers choose different brokers, in their own zone
	// first (Rack). They use others while these are busy or failing, and for a topic that has no
	// partition on any of these. Records with a key, with a partition of their own, or with
	// WithPartitioner go to the leader of their partition. Zero means 8 in a cluster of more than
	// 16 brokers, and all in a smaller one. -1 means all. New rejects other negative values.
	MaxBrokers int `yaml:"max_brokers"`

	// ProbeMax is the longest time between two attempts to reach a broker that is away. The time is
	// random, and at least half of ProbeMax. In the first 90 seconds of an outage it is a twentieth
	// of ProbeMax. If more than three brokers are away, they take turns: a producer then tries
	// three of them in a twentieth of ProbeMax, and each at least once in ProbeMax. Records may
	// flow again as late as ProbeMax after Kafka is back. Every producer tries every broker, so a
	// large fleet needs a longer time: "forebay plan" computes it. Zero means 2 s. New rejects less
	// than 100 ms and more than 10 minutes.
	ProbeMax time.Duration `yaml:"probe_max"`

	// CreateTopics says how missing topics are created.
	CreateTopics CreateTopicsConfig `yaml:"create_topics"`

	TLS  TLSConfig  `yaml:"tls"`
	SASL SASLConfig `yaml:"sasl"`
}

// CreateTopicsConfig says how topics are created: by the producer if Enabled is set, and by
// "forebay topics apply". If the brokers refuse, the producer tries again after a second, later
// twice a minute. Records wait meanwhile, and Stats says why.
type CreateTopicsConfig struct {
	// Enabled has the producer create a missing topic when a record for it arrives. If not, records
	// wait for the topic; "forebay topics apply" uses the other fields all the same. The brokers'
	// auto.create.topics.enable is never used. False is the default.
	Enabled bool `yaml:"enabled"`

	// Partitions is the number of partitions of a new topic. Zero means num.partitions of the
	// brokers. New rejects negative values.
	Partitions int32 `yaml:"partitions"`

	// ReplicationFactor is how many brokers hold each partition of a new topic. Zero means
	// default.replication.factor of the brokers; "forebay topics apply" takes 3 for high priority
	// and 2 for the others. New rejects negative values.
	ReplicationFactor int16 `yaml:"replication_factor"`

	// Configs are topic settings that differ from the brokers' defaults, such as "retention.ms".
	// Empty means none; "forebay topics apply" then keeps topics of high priority for 24 h, of
	// medium for 4 h and of low for 2 h.
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
	// cluster with the name of the priority ("low", "medium" or "high"), or else the only cluster.
	// If there is neither, Send returns ErrNoRoute. New rejects an unknown name. New also rejects a
	// priority without a cluster if a rule of Topics names it, or if it is medium and no rule for
	// "*" gives all other topics a priority.
	Cluster string `yaml:"cluster"`

	// DeliveryTimeout is the time that a record may take from Send to Kafka's acknowledgement. When
	// it is over, the record expires; it is possibly persisted if it was written and not answered.
	// That happens at most a sixteenth of the time early, and never late. Zero means 2 minutes for
	// low, 10 minutes for medium and 1 hour for high. New rejects less than 1 s and more than 365
	// days.
	DeliveryTimeout time.Duration `yaml:"delivery_timeout"`

	// MoveUnresolvedAfter is how long an unanswered batch of un-keyed records waits for its
	// partition to have a leader again. After that it is written to another partition, and its
	// records count as maybe duplicated. Zero means 2 s for low, 10 s for medium and never for
	// high. Never (-1) means never. New rejects other negative values and more than 365 days.
	MoveUnresolvedAfter time.Duration `yaml:"move_unresolved_after"`

	// WireShare is the part of a broker's rate that this priority keeps while higher priorities
	// have more for that broker than it takes. At all other times nothing is held back. If several
	// priorities are lower, the lowest gets its share of everything, and the next its share of the
	// rest. Zero means 0.05 for low and 0.2 for medium; high does not need one. New rejects
	// negative values and more than 0.5.
	WireShare float64 `yaml:"wire_share"`

	// GuaranteedShare is the part of Buffer.MaxBytes that higher priorities leave to this one, from
	// its first record on. Lower priorities may use what it leaves free. A guarantee below two
	// batches is of little use, because memory is taken and freed by the batch. Zero means 1/16 for
	// low and medium, or CeilingShare if that is less, and none for high, which loses memory to
	// nobody. NoGuarantee (-1) means none. New rejects other negative values, more than
	// CeilingShare, and guarantees that add up to more than 1.
	GuaranteedShare float64 `yaml:"guaranteed_share"`

	// CeilingShare is the part of Buffer.MaxBytes that this priority never exceeds, even if the
	// rest is free. Zero means 1, all of it. New rejects negative values and more than 1.
	CeilingShare float64 `yaml:"ceiling_share"`

	// WhenFull says what Send does if there is no room and lower priorities have nothing left to
	// give up. "refuse" returns ErrBufferFull. "drop_oldest" accepts the record and sheds the
	// oldest waiting batch of this priority. Empty means "refuse". New rejects other values.
	WhenFull string `yaml:"when_full"`

	// Fallbacks are the clusters that records of this priority go to while Cluster is down, in the
	// order in which they are tried. Empty means none. New rejects an unknown cluster, and a
	// cluster that is named twice.
	//
	// Waiting records move with their priority. Un-keyed batches move as they are; keyed records
	// are dealt out anew if the topic has another number of partitions there. A batch that was
	// written and not answered stays, and is sent again when its cluster is back; an un-keyed one
	// moves after MoveUnresolvedAfter, and counts as maybe duplicated. The order of a key holds
	// within a cluster, not across a switch.
	Fallbacks []routing.Fallback `yaml:"fallbacks"`

	// FallbackAfter is how long the cluster in use must be down before the next one is used: no
	// broker answers, and nothing is acknowledged. Zero means 5 s. New rejects negative values and
	// more than 365 days.
	FallbackAfter time.Duration `yaml:"fallback_after"`

	// ReturnAfter is how long an earlier cluster in the order must be well before it is used again.
	// Zero means 30 s. New rejects negative values and more than 365 days.
	ReturnAfter time.Duration `yaml:"return_after"`

	// SwitchEvery is the shortest time between two switches, so that clusters that come and go do
	// not drag records to and fro. Only a fallback that fails is left at once. Zero means 1 minute.
	// New rejects negative values and more than 365 days.
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

// BufferConfig bounds the memory of records that wait.
type BufferConfig struct {
	// MaxBytes bounds the memory held for records that Kafka has not acknowledged, in bytes. It
	// covers the capacity of batches, the tables of topics, and unread delivery reports. All
	// priorities share it. At the bound, Send has lower priorities shed their oldest batches, down
	// to their guarantees; after that it returns ErrBufferFull. Dealing out keyed records anew may
	// take a sixty-fourth more, and a compressed batch its size before compression. Zero means 64
	// MiB. New rejects less than 1 MiB, less than four times Batching.MaxBytes, and less than
	// Batching.MaxRecordBytes. New logs a warning if the memory limit of the process (GOMEMLIMIT)
	// is less than 1.25 times this value.
	MaxBytes int64 `yaml:"max_bytes"`

	// MaxTopics bounds the topics that each priority has in use at a time. Above it, Send returns
	// ErrTooManyTopics for a new topic. A topic without a record for ten minutes makes room. Zero
	// means 10,000. New rejects negative values.
	MaxTopics int `yaml:"max_topics"`
}

// BatchingConfig says how records become batches.
type BatchingConfig struct {
	// Linger is how long a batch waits for more records before it is sent. A full batch is sent
	// earlier. A batch of un-keyed records may wait for up to a second linger, to share a request
	// with other topics. A linger is never longer than a sixteenth of the delivery timeout of the
	// priority. Zero means 10 ms. NoLinger (-1) sends at once; in a file or a variable, write 0.
	// New rejects more than 1 minute.
	Linger time.Duration `yaml:"linger"`

	// MaxLinger lets batches wait longer than Linger while requests carry few records. The time
	// grows up to MaxLinger, until a request has about ten records or 16 KiB. Fewer requests save
	// processor time of the brokers and of the program, most of it in a large fleet. Zero means
	// that Linger always applies. New rejects less than Linger and more than 1 minute.
	MaxLinger time.Duration `yaml:"max_linger"`

	// MaxBytes is the size at which a batch is full, in bytes. Keep it below message.max.bytes of
	// the brokers (1,048,588 by default): larger batches are halved until they fit. A partition has
	// one batch of keyed records in flight, so larger batches help where brokers are far away, or
	// acknowledge late (diskless topics).
	//
	// With compression, a batch of keyed records, or of records with a chosen partition, takes two
	// or four times as many bytes, if recent batches of its topic were compressed so well that it
	// is about as large as MaxBytes when it is sent. It takes no more than a sixteenth of
	// Buffer.MaxBytes so, and all open ones together an eighth. Consumers may have to decompress
	// four times MaxBytes. A topic that stores batches with less compression (compression.type)
	// refuses those that are too large then; they are halved.
	//
	// Zero means 1,000,000, or a quarter of Buffer.MaxBytes if that is less. New rejects less than
	// 1 KiB and more than 16 MiB.
	MaxBytes int `yaml:"max_bytes"`

	// MaxRecordBytes is the size above which Send refuses a record with ErrRecordTooLarge, in
	// bytes, with key, value, headers and framing. A record larger than MaxBytes gets a batch of
	// its own. Zero means 1,000,000. New rejects negative values and more than 64 MiB.
	MaxRecordBytes int `yaml:"max_record_bytes"`

	// Compression is "none", "gzip", "snappy", "lz4" or "zstd", in any case. A batch is compressed
	// once, outside Send, and waits compressed. Empty means "none". New rejects other values.
	Compression string `yaml:"compression"`

	// CompressionLevel is how hard the compression tries: higher levels take more processor time
	// for fewer bytes. gzip and lz4 have 1 to 9, zstd 1 to 22, in four steps (from 1, 3, 6 and 10
	// on). From 10 on, zstd takes 40 MiB of memory for each processor, beside Buffer.MaxBytes. Zero
	// means the default: the fastest for lz4 and zstd, and 6 for gzip. New rejects other levels,
	// and a level for "none" and "snappy", which have none.
	CompressionLevel int `yaml:"compression_level"`

	// Partitioner chooses the partitions of batches without keys. "sticky" sends a batch wherever a
	// broker is free, to the partition that was used longest ago. "round_robin" sends the same
	// number of batches to each partition that takes them. Both place keys as the Java client does.
	// WithPartitioner takes a partitioner of your own. Empty means "sticky". New rejects other
	// values.
	Partitioner string `yaml:"partitioner"`

	// Acks says who must have a record before it counts as delivered: "all" in-sync replicas, or
	// the "leader" alone. With "leader", records are lost when a leader dies, and duplicates cannot
	// be found. "-1" and "1" mean the same. Empty means "all". New rejects "none": without an
	// acknowledgement nothing is known to be delivered.
	Acks string `yaml:"acks"`
}

// ReportsConfig bounds the delivery reports; see WithDelivery.
type ReportsConfig struct {
	// MaxBytes bounds the memory of reports that the callback has not taken, in bytes, within
	// Buffer.MaxBytes. Above it the newest reports are dropped, lower priorities first, and counted
	// in Stats().ReportsDropped. Close lifts the bound, so that everything it gives up is reported.
	// Zero means half of Buffer.MaxBytes. New rejects negative values.
	MaxBytes int64 `yaml:"max_bytes"`
}

// ResolverConfig controls how long DNS answers for the names of brokers are remembered. If a
// look-up fails or is slow, the last good answer is used. Neither an error nor an empty answer
// erases it.
type ResolverConfig struct {
	// RefreshEvery is how often a name in use is looked up again. An idle name is looked up when it
	// is dialed, and so is a name whose last connection failed. Zero means 30 s. New rejects less
	// than 1 s and more than 365 days.
	RefreshEvery time.Duration `yaml:"refresh_every"`

	// StaleFor is the greatest age of an answer that may be used. Zero means 24 h. New rejects less
	// than RefreshEvery and more than 365 days.
	StaleFor time.Duration `yaml:"stale_for"`
}

// clone returns a copy of c that shares no memory with it.
func (c Config) clone() Config {
	c.Clusters = maps.Clone(c.Clusters)
	for name, cc := range c.Clusters {
		cc.Brokers = slices.Clone(cc.Brokers)
		cc.CreateTopics.Configs = maps.Clone(cc.CreateTopics.Configs)
		c.Clusters[name] = cc
	}
	for _, p := range routing.All {
		pc := c.Priorities.of(p)
		pc.Fallbacks = slices.Clone(pc.Fallbacks)
		for i, f := range pc.Fallbacks {
			pc.Fallbacks[i].Topics = slices.Clone(f.Topics)
			pc.Fallbacks[i].Rename = maps.Clone(f.Rename)
		}
	}
	c.Topics = slices.Clone(c.Topics)
	return c
}
