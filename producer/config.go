package producer

import (
	"time"

	"github.com/forebay-go/forebay/routing"
)

// Config is everything about a producer that a file or the environment may carry. Zero fields mean the defaults that they
// name, so a config with one cluster and its brokers is complete. New copies it.
type Config struct {
	// ClientID is what brokers see in their logs and quotas. Empty means "forebay".
	ClientID string `yaml:"client_id"`

	// Clusters are the Kafka clusters, by a name of your choice. At least one is needed.
	Clusters map[string]ClusterConfig `yaml:"clusters"`

	// Priorities says what each priority is worth and where it goes.
	Priorities PrioritiesConfig `yaml:"priorities"`

	// Topics gives the records of some topics a priority. The exact name goes before patterns, an earlier pattern before a
	// later one. Records of other topics are of medium priority. A record's own priority goes before all of this.
	Topics []routing.Rule `yaml:"topics"`

	Buffer   BufferConfig   `yaml:"buffer"`
	Batching BatchingConfig `yaml:"batching"`
	Reports  ReportsConfig  `yaml:"reports"`
}

// ClusterConfig names a Kafka cluster.
type ClusterConfig struct {
	// Brokers are some of the cluster's brokers, as host:port; the rest is found through them. New does not look them up.
	// It rejects an empty list and what is not host:port.
	Brokers []string `yaml:"brokers"`
}

// PrioritiesConfig holds the settings of the three priorities.
type PrioritiesConfig struct {
	Low    PriorityConfig `yaml:"low"`
	Medium PriorityConfig `yaml:"medium"`
	High   PriorityConfig `yaml:"high"`
}

// PriorityConfig holds the settings of one priority.
type PriorityConfig struct {
	// Cluster is the name of the cluster that records of this priority go to. Empty means the cluster with the name of the
	// priority ("low", "medium", "high"), or else the only cluster there is. Where neither exists Send returns ErrNoRoute.
	// New rejects the name of a cluster that is not there.
	Cluster string `yaml:"cluster"`

	// DeliveryTimeout is how long a record may take from Send to Kafka's acknowledgement, by the monotonic clock. At its
	// end it expires, or is possibly persisted if it was written and not answered; at most a sixteenth early, never late.
	// Zero means 2 minutes for low, 10 minutes for medium, 1 hour for high. New rejects less than 1 s.
	DeliveryTimeout time.Duration `yaml:"delivery_timeout"`

	// MoveUnresolvedAfter is how long a batch of un-keyed records that was written and not answered waits for its
	// partition to have a leader again, before it is written elsewhere and its records count as maybe duplicated. Zero
	// means 2 s for low, 10 s for medium and never for high. Never (-1) means never.
	MoveUnresolvedAfter time.Duration `yaml:"move_unresolved_after"`
}

// Never is a time that does not come.
const Never = time.Duration(-1)

// NoLinger makes batches ready as soon as they have a record.
const NoLinger = time.Duration(-1)

// BufferConfig bounds what waits in memory.
type BufferConfig struct {
	// MaxBytes bounds the memory held for records that Kafka has not acknowledged, in bytes, by capacity: batches open,
	// waiting and in flight, the tables of topics, and delivery reports that were not read. Zero means 64 MiB. At the
	// bound Send returns ErrBufferFull, never waiting. New rejects less than 1 MiB, less than four times
	// Batching.MaxBytes, and less than Batching.MaxRecordBytes.
	MaxBytes int64 `yaml:"max_bytes"`

	// MaxTopics bounds the topics of each priority that are in use at a time. Above it Send returns ErrTooManyTopics for a
	// new one; a topic without a record for ten minutes makes room. Zero means 10,000. New rejects negative values.
	MaxTopics int `yaml:"max_topics"`
}

// BatchingConfig says how records become batches.
type BatchingConfig struct {
	// Linger is how long a batch waits for more records before it is sent, if it is not full earlier. Zero means 10 ms,
	// NoLinger (-1) sends at once. New rejects more than 1 minute.
	Linger time.Duration `yaml:"linger"`

	// MaxBytes is the size at which a batch is full, in bytes, before compression. Zero means 512 KiB, or a quarter of
	// Buffer.MaxBytes if that is less. New rejects less than 1 KiB and more than 16 MiB. It should stay below the brokers' message.max.bytes (1 MiB by default), above which
	// batches are halved until they fit.
	MaxBytes int `yaml:"max_bytes"`

	// MaxRecordBytes is the size above which Send refuses a record with ErrRecordTooLarge, in bytes, with key, value,
	// headers and framing. A record larger than MaxBytes is alone in its batch. Zero means 1,000,000. New rejects negative
	// values and more than 64 MiB.
	MaxRecordBytes int `yaml:"max_record_bytes"`

	// Compression is "none", "gzip", "snappy", "lz4" or "zstd". Empty means "none". A batch is compressed once, off Send's
	// path, and waits compressed.
	Compression string `yaml:"compression"`

	// Acks says who must have a record before it counts as delivered: "all" in-sync replicas, or the "leader" alone, which
	// loses records when a leader dies and cannot find duplicates. Empty means "all". There is no "none": delivered would
	// mean written to a socket.
	Acks string `yaml:"acks"`
}

// ReportsConfig bounds the delivery reports; see WithDelivery.
type ReportsConfig struct {
	// MaxBytes bounds the memory of reports that the callback has not taken yet, in bytes, within Buffer.MaxBytes. Beyond
	// it the newest reports are dropped and counted in Stats().ReportsDropped. Zero means half of Buffer.MaxBytes.
	// New rejects negative values.
	MaxBytes int64 `yaml:"max_bytes"`
}
